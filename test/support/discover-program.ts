// Prints what is discovered in a folder, or the error of looking an id up there, as JSON.
import { TerminalError } from '../../src/contract/errors.ts'
import { discoverBackfills } from '../../src/define/discover.ts'

const [folder = '', asked] = process.argv.slice(2)
try {
  const definitions = await discoverBackfills(folder)
  const found = asked === undefined ? definitions.all() : [definitions.get(asked)]
  console.log(
    JSON.stringify({
      definitions: found.map(({ backfill, file, folder, hash }) => ({ id: backfill.id, file, folder, hash })),
    }),
  )
} catch (error) {
  if (!(error instanceof TerminalError)) throw error
  const { name, code, message, reasons } = error
  console.log(JSON.stringify({ error: { name, code, message, reasons } }))
}
