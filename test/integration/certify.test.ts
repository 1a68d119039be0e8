// Risk: a sink that does not hold what was sent is certified, or one that does is not; the row that differs is not named.
import { generateKeyPairSync } from 'node:crypto'
import { readFileSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { afterAll, afterEach, beforeAll, describe, expect, test } from 'vitest'
import { SealedCertificate } from '../../src/contract/run-certificate.ts'
import { eventually } from '../support/eventually.ts'
import { createSmallBackfill, type SmallBackfill } from '../support/small-backfill.ts'
import { startTidemark, type TidemarkProcess } from '../support/tidemark-process.ts'

let small: SmallBackfill
let up: TidemarkProcess
let runId: string
let table: string

beforeAll(async () => {
  small = await createSmallBackfill({ rows: 6_000, rowGroupRows: 1_000, chunkRows: 300 })
  table = `${small.env.TIDEMARK_SCHEMA}_sink.small`
  up = small.tidemark('up', '--definitions', '.', '--workers', '2', '--json')
  await eventually('the system is up', async () => up.stdout().endsWith('}\n') || undefined, 40_000)
  await small.query(readFileSync(join(small.folder, 'small.prepare.sql'), 'utf8'))
  // A row can be there twice.
  await small.query(`alter table ${table} drop constraint small_pkey; create index on ${table} (position)`)
  const submitted = await elsewhere('submit', 'small', '--wait', '--json').ended
  expect(submitted.code, submitted.stderr).toBe(0)
  runId = (JSON.parse(submitted.stdout) as { runId: string }).runId
  await small.query(`create table ${table}_kept as select * from ${table}`)
})
afterEach(async () => {
  await small.query(`truncate ${table}; insert into ${table} select * from ${table}_kept`)
})
afterAll(async () => {
  up.child.kill('SIGKILL')
  await up.ended
  await small.close()
})

const elsewhere = (...args: string[]): TidemarkProcess =>
  startTidemark(args, small.folder, { PATH: small.env.PATH, HOME: small.env.HOME })
const certify = async (...args: string[]) => {
  const { code, stdout, stderr } = await elsewhere('certify', '--json', ...args).ended
  return { code, stderr, sealed: SealedCertificate.parse(JSON.parse(stdout)) }
}

describe('certify', () => {
  test('a run that stands as it was sent is equal, by the source too, and covers its plan', async () => {
    const { code, stderr, sealed } = await certify(runId, '--source')
    expect(code, stderr).toBe(0)
    const proof = { rows: 6_000, contentHash: expect.stringMatching(/^-?\d+$/) }
    expect(sealed.certificate).toMatchObject({
      ...{ certifies: 'run', verdict: 'equal', sent: proof, stored: proof, source: proof },
      partitions: { total: 6, completed: 6, failed: 0, cancelled: 0, unfinished: 0, superseded: 0 },
      ...{ coverageFlaws: 0, differingPartitions: 0, flaws: [], differences: [] },
      columns: [
        { name: 'position', type: 'bigint' },
        { name: 'amount', type: 'bigint' },
        { name: 'name', type: 'text' },
      ],
    })
    const covered = await elsewhere('coverage', runId).ended
    expect(covered.code, covered.stderr).toBe(0)
    expect(covered.stdout).toContain('6 of 6 partitions completed: they tile the plan')
  })

  test('one value that was changed is named by its key, with what was sent', async () => {
    await small.query(`update ${table} set amount = 5 where position = 4321`)
    const told = await elsewhere('certify', runId).ended
    expect(told.code).toBe(4)
    expect(told.stdout).toContain('changed position 4321: amount sent 12963, stored 5')
    expect(told.stdout).toContain('DIFFERENT')
    expect(told.stderr).toContain('1 of 6 partitions do not hold what was sent')
  })

  test('rows that are gone, doubled, or nobody sent are named', async () => {
    await small.query(`
      delete from ${table} where position = 17;
      insert into ${table} select * from ${table} where position = 2500;
      insert into ${table} values (5999, 1, 'of somebody else')`)
    const { code, sealed } = await certify(runId)
    expect(code).toBe(4)
    if (sealed.certificate.certifies !== 'run') throw new Error('it is of tables')
    const { differences, differingPartitions } = sealed.certificate
    expect(differingPartitions).toBe(3)
    expect(differences.flatMap(({ rows }) => rows)).toEqual([
      { what: 'missing', key: { position: '17' }, columns: [] },
      { what: 'doubled', key: { position: '2500' }, columns: [] },
      { what: 'extra', key: { position: '5999' }, columns: [] },
    ])
  })

  test('a checkpoint row or a chunk that is gone is a gap, or a broken chain', async () => {
    const schema = small.env.TIDEMARK_SCHEMA ?? ''
    const rows = await small.query<{ partition_id: string; index: number }>(
      `select partition_id, index from ${schema}.checkpoint where run_id = $1 order by index`,
      [runId],
    )
    const [gone, broken] = [rows[1]?.partition_id, rows[3]?.partition_id]
    await small.query(
      `create table ${schema}_sink.kept_row as select * from ${schema}.checkpoint where partition_id = $1`,
      [gone],
    )
    await small.query(
      `create table ${schema}_sink.kept_chunk as select * from ${schema}.chunk where partition_id = any($1)`,
      [[gone, broken]],
    )
    await small.query(`delete from ${schema}.chunk where partition_id = $1 and sequence = 2`, [broken])
    await small.query(`delete from ${schema}.checkpoint where partition_id = $1`, [gone])
    const { code, stdout, stderr } = await elsewhere('coverage', runId).ended
    await small.query(`
      insert into ${schema}.checkpoint select * from ${schema}_sink.kept_row;
      insert into ${schema}.chunk select * from ${schema}_sink.kept_chunk on conflict do nothing`)
    expect(code).toBe(4)
    expect(stdout).toContain('gap from 1000 to before 2000: not begun (after partition 0, before partition 2)')
    expect(stdout).toContain('partition 3, from 3000 to before 4000: 4 chunks were committed, 3 are recorded')
    expect(stderr).toContain('2 flaws')
  })

  test('a certificate is kept, signed, verified elsewhere, and refused when it was changed', async () => {
    const { privateKey, publicKey } = generateKeyPairSync('ed25519')
    writeFileSync(join(small.folder, 'private.pem'), privateKey.export({ format: 'pem', type: 'pkcs8' }))
    writeFileSync(join(small.folder, 'public.pem'), publicKey.export({ format: 'pem', type: 'spki' }))
    const made = await elsewhere('certify', runId, '--sign-with', 'private.pem', '--out', 'run.json').ended
    expect(made.code, made.stderr).toBe(0)
    const verified = await elsewhere('verify', 'run.json', '--public-key', 'public.pem').ended
    expect(verified.code, verified.stderr).toBe(0)
    expect(verified.stdout).toContain('signed with the key that was given')

    const file = join(small.folder, 'run.json')
    writeFileSync(file, readFileSync(file, 'utf8').replaceAll('6000', '6001'))
    const changed = await elsewhere('verify', 'run.json').ended
    expect(changed.code).toBe(4)
    expect(changed.stderr).toContain('it was changed since it was made')
  })

  test('a run that another one has overwritten is told so', async () => {
    const again = await elsewhere('submit', 'small', '--wait', '--json').ended
    expect(again.code, again.stderr).toBe(0)
    const { code, sealed } = await certify(runId)
    expect(code).toBe(0)
    expect(sealed.certificate).toMatchObject({ verdict: 'overwritten', partitions: { superseded: 6 } })
    const { runId: later } = JSON.parse(again.stdout) as { runId: string }
    expect((await certify(later)).sealed.certificate.verdict).toBe('equal')
    // One target: what stands of both is the same.
    const compared = await certify(runId, '--with', later)
    expect(compared.sealed.certificate).toMatchObject({ certifies: 'runs', verdict: 'equal', first: { rows: 6_000 } })
  })

  test('what is wrong with the question is said', async () => {
    const unknown = await elsewhere('certify', '019aa000-0000-7000-8000-000000000001').ended
    expect(unknown.code).toBe(5)
    expect(unknown.stderr).toContain('"tidemark status" lists them')
    expect((await elsewhere('certify').ended).stderr).toContain('name a run')
    expect((await elsewhere('certify', '--tables', 'a').ended).stderr).toContain('two names are right')
  })
})

describe('certify --tables', () => {
  const compare = (...more: string[]) => certify('--tables', `${table},${table}_kept`, '--key', 'position', ...more)

  test('two tables that are equal are', async () => {
    const { code, stderr, sealed } = await compare()
    expect(code, stderr).toBe(0)
    expect(sealed.certificate).toMatchObject({
      verdict: 'equal',
      first: { rows: 6_000 },
      second: { rows: 6_000 },
      rows: [],
    })
  })

  test('rows that differ are named, whatever their order in the table', async () => {
    await small.query(`
      update ${table} set name = 'x' where position = 99;
      delete from ${table} where position = 4000;
      insert into ${table} values (9999, 0, 'more'), (5, 15, 'row 5')`)
    const { code, stderr, sealed } = await compare()
    expect(code).toBe(4)
    expect(stderr).toContain('the tables differ in 4 rows')
    if (sealed.certificate.certifies !== 'tables') throw new Error('it is of a run')
    const found = sealed.certificate.rows.map(({ what, key }) => `${what} ${key['position']}`).sort()
    // The second table is what ought to be told of the first one's rows.
    expect(found).toEqual(['changed 99', 'extra 4000', 'missing 5', 'missing 9999'])
    const [changed] = sealed.certificate.rows.filter(({ what }) => what === 'changed')
    expect(changed?.columns).toEqual([{ name: 'name', sent: 'x', stored: 'row 99' }])
    const other = await compare('--columns', 'amount')
    expect(other.sealed.certificate.verdict).toBe('different')
  })

  test('columns that are missing, or cannot be compared, are named', async () => {
    const { code, stderr } = await elsewhere('certify', '--tables', `${table},${table}_kept`, '--key', 'positio').ended
    expect(code).toBe(2)
    expect(stderr).toContain('has no column "positio"')
    const none = await elsewhere('certify', '--tables', `${table},nowhere.at_all`, '--key', 'position').ended
    expect(none.code).toBe(5)
    expect(none.stderr).toContain('nowhere.at_all does not exist')
  })
})
