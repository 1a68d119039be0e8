import { mkdtemp, rm, writeFile } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { parquetWriteBuffer } from 'hyparquet-writer'

export type ParquetContent = Parameters<typeof parquetWriteBuffer>[0]

/** A temporary folder for Parquet files. */
export interface ParquetFolder {
  readonly path: string
  write(name: string, content: ParquetContent): Promise<void>
  remove(): Promise<void>
}

export async function parquetFolder(): Promise<ParquetFolder> {
  const path = await mkdtemp(join(tmpdir(), 'tidemark-parquet-'))
  return {
    path,
    async write(name, content) {
      await writeFile(join(path, name), Buffer.from(parquetWriteBuffer(content)))
    },
    async remove() {
      await rm(path, { recursive: true })
    },
  }
}
