// A process that starts a stack and keeps it until it is killed: node stack-process.ts DIR
// Prints the stack as one line of JSON when it answers.
import { startStack } from '../../src/stack/start-stack.ts'

const [dir = ''] = process.argv.slice(2)
const stack = await startStack({
  dir,
  want: { kafka: true, postgres: true, registry: true },
  env: process.env,
  log: (line) => console.error(line),
})
console.log(JSON.stringify(stack))
