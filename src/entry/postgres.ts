export { postgres } from '../define/postgres.ts'
