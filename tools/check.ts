// npm run check
import { runChecks } from './check-steps.ts'

const { failed } = await runChecks((line) => console.log(line))
process.exitCode = failed === 0 ? 0 : 1
