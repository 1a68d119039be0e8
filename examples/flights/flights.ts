import { defineBackfill, partition } from 'tidemark'
import { files } from 'tidemark/files'
import { postgres } from 'tidemark/postgres'
import { z } from 'zod'

/**
 * Three million flights of the year 2001, from a Parquet file into a table of Postgres.
 *
 * Run it with `npm start`; with workers being killed meanwhile: `npm start -- --workers 3 --kill-every 2s`.
 */

/** The columns that are read. A column the file does not have, or has as something else, is reported before the run begins. */
const Flight = z.object({
  date: z.date(),
  delay: z.int(),
  distance: z.int(),
  origin: z.string(),
  destination: z.string(),
})

/** A row of the sink table, see flights.prepare.sql. */
const FlightRow = z.object({
  position: z.int(),
  departed_at: z.date(),
  delay_minutes: z.int(),
  distance_miles: z.int(),
  origin: z.string(),
  destination: z.string(),
})

export default defineBackfill({
  id: 'flights',

  // The file has no key of its own: a row's position in it, counted from 0, is the key. It arrives in the field `position`.
  source: files.parquet('../../node_modules/vega-datasets/data/flights-3m.parquet', {
    schema: Flight,
    position: 'position',
  }),

  // One task for each of the file's row groups. Workers take them side by side.
  partitionBy: partition.byRowGroup(),

  // Pure: the same row gives the same row, so a chunk that a killed worker had begun may be read again.
  transform: (flight) => ({
    position: flight.position,
    departed_at: flight.date,
    delay_minutes: flight.delay,
    distance_miles: flight.distance,
    origin: flight.origin,
    destination: flight.destination,
  }),

  // The run owns the range of `position` that it covers: rows from an earlier run are replaced, never doubled.
  sink: postgres.insert('public.flights', { schema: FlightRow, range: 'position' }),
})
