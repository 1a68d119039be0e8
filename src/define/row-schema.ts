import type { StandardSchemaV1 } from '@standard-schema/spec'

/** Any Standard Schema whose output is the row: zod, valibot, arktype … zod 4 is recommended, its column types can be read ahead. */
export type RowSchema<Row> = StandardSchemaV1<unknown, Row>

/** A row as the engine sees it. */
export type AnyRow = Record<string, unknown>
