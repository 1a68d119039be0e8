/** Why node_modules does not match the lockfile of a folder (this project's, when none is given); undefined when it does. */
export function whyStale(folder?: string): string | undefined
