import type { Role } from '../../compose.ts'

/**
 * How V8 keeps the heap of a role; more is never needed, but V8 takes it where it may. Of a planner that writes a plan of a
 * million partitions nearly everything is garbage at once: by default it has three times 32 MB for what is new, and lets
 * the rest grow fourfold before it looks at it (`npm run bench -- plan`: more than 350 MB; with these 174, and no slower).
 */
const flags: Partial<Readonly<Record<Role, readonly string[]>>> = {
  planner: ['--max-semi-space-size=2', '--max-old-space-size=1024'],
}

/** Flags of Node for the process of a role. What the user gave in NODE_OPTIONS or on the command line counts. */
export function heapFlagsOf(role: Role, given: string): readonly string[] {
  return (flags[role] ?? []).filter((flag) => !given.includes(flag.replace(/=.*$/, '')))
}
