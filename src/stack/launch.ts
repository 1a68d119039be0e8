import { prepareDocker, startKafkaContainers, startPostgresContainer, startRegistryContainer } from './docker.ts'
import { prepareKafka, startKafka } from './kafka.ts'
import { preparePostgres, startPostgres } from './postgres.ts'
import { prepareRegistry, startRegistry } from './registry.ts'
import { chooseWay } from './resolve.ts'
import type { How, RunningServer } from './server.ts'

/** A server that is to be had, and from where; nothing runs yet. */
export interface Launch {
  readonly how: How
  start(): Promise<RunningServer>
}

export interface Place {
  readonly dir: string
  readonly reset: boolean
  readonly env: NodeJS.ProcessEnv
  readonly log: (line: string) => void
  readonly signal: AbortSignal
}

/** A server that has started. */
export interface Started {
  readonly how: How
  readonly server: RunningServer
}

const dockerAt = (place: Place) => () => prepareDocker(place.dir, place.reset, place.signal)

export async function launchOfKafka(place: Place, brokers: 1 | 3): Promise<Launch> {
  const { dir: folder, env, signal } = place
  const way = await chooseWay('kafka', env, { embedded: () => prepareKafka(place), docker: dockerAt(place) })
  switch (way.how) {
    case 'environment':
      return given(way.address.split(',').map((address) => address.trim()))
    case 'embedded':
      return { how: way.how, start: () => startKafka({ files: way.use, folder, brokers, env, signal }) }
    case 'docker':
      return { how: way.how, start: () => startKafkaContainers(way.use, brokers) }
  }
}

export async function launchOfPostgres(place: Place): Promise<Launch> {
  const { dir: folder, env, signal } = place
  const embedded = async (): Promise<ReturnType<typeof preparePostgres>> => preparePostgres(env, folder)
  const way = await chooseWay('postgres', env, { embedded, docker: dockerAt(place) })
  switch (way.how) {
    case 'environment':
      return given([way.address])
    case 'embedded':
      return { how: way.how, start: () => startPostgres({ files: way.use, folder, env, signal }) }
    case 'docker':
      return { how: way.how, start: () => startPostgresContainer(way.use) }
  }
}

/** An embedded registry keeps its schemas in `postgres`, once that has started, when it is embedded too. */
export async function launchOfRegistry(place: Place, postgres: Promise<Started> | undefined): Promise<Launch> {
  const { dir: folder, env, signal } = place
  const way = await chooseWay('registry', env, { embedded: () => prepareRegistry(place), docker: dockerAt(place) })
  switch (way.how) {
    case 'environment':
      return given([way.address])
    case 'embedded':
      return {
        how: way.how,
        async start() {
          const below = await postgres
          const postgresUrl = below?.how === 'embedded' ? below.server.addresses[0] : undefined
          return startRegistry({ files: way.use, folder, postgresUrl, env, signal })
        },
      }
    case 'docker':
      return { how: way.how, start: () => startRegistryContainer(way.use) }
  }
}

const given = (addresses: string[]): Launch => ({
  how: 'environment',
  start: () => Promise.resolve({ addresses, stop: () => Promise.resolve() }),
})
