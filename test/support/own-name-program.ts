// Loaded before a program (node --import): what it imports from 'tidemark' are these sources.
import { resolveOwnName } from '../../src/define/resolve-own-name.ts'

resolveOwnName()
