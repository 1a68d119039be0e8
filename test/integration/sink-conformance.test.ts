import { describeSink } from '../conformance/sink.ts'
import { postgresHarness } from '../conformance/sink-postgres.ts'

describeSink('postgres.insert', { replacesRange: true }, () => postgresHarness('insert'))
describeSink('postgres.upsert', { replacesRange: false }, () => postgresHarness('upsert'))
