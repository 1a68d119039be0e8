export { files } from '../define/files.ts'
