// Rules that catch bugs; layout and import order are Biome's.
import { createNodeResolver, importX } from 'eslint-plugin-import-x'
import tseslint from 'typescript-eslint'

const kafka = {
  regex: '^(kafkajs|@kafkajs/.*)$',
  message: 'Only src/kafka/ knows the Kafka client.',
}
const postgres = {
  regex: '^(pg|pg-copy-streams)$',
  message: 'Only src/postgres/ and the adapters named for it know the Postgres driver.',
}
const notOfTheContract = {
  regex: '^(?!zod$|\\./)',
  message: 'src/contract/ is what crosses a boundary: it imports zod and its own files, nothing else.',
}
const mayImport = (files, ...forbidden) => ({
  files,
  rules: { 'no-restricted-imports': forbidden.length === 0 ? 'off' : ['error', { patterns: forbidden }] },
})

const exit = {
  object: 'process',
  property: 'exit',
  message: 'Throw; only src/cli/command-line.ts ends the process.',
}
const environment = {
  object: 'process',
  property: 'env',
  message: 'The environment is read once, by src/process/config.ts.',
}
const mayUse = (files, ...forbidden) => ({
  files,
  rules: { 'no-restricted-properties': forbidden.length === 0 ? 'off' : ['error', ...forbidden] },
})

export default tseslint.config(
  { ignores: ['dist/', '.tidemark/', 'coverage/', 'node_modules/', 'topics/', '**/*.{js,mjs}', '**/*.d.mts'] },
  tseslint.configs.recommendedTypeChecked,
  {
    languageOptions: { parserOptions: { projectService: true, tsconfigRootDir: import.meta.dirname } },
    plugins: { 'import-x': importX },
    settings: { 'import-x/resolver-next': [createNodeResolver({ extensions: ['.ts', '.js'] })] },
    linterOptions: { reportUnusedDisableDirectives: 'error' },
    rules: {
      'require-atomic-updates': 'error',
      'import-x/no-cycle': 'error',
      'no-constant-binary-expression': 'error',
      eqeqeq: 'error',
      '@typescript-eslint/switch-exhaustiveness-check': ['error', { considerDefaultExhaustiveForUnions: true }],
      '@typescript-eslint/return-await': ['error', 'error-handling-correctness-only'],
      '@typescript-eslint/no-unused-vars': ['error', { argsIgnorePattern: '^_', varsIgnorePattern: '^_' }],
      // A port's method returns a promise whether or not the adapter has to wait.
      '@typescript-eslint/require-await': 'off',
      // bigint, number and undefined in messages are meant.
      '@typescript-eslint/restrict-template-expressions': ['error', { allowNumber: true, allowBoolean: true }],
      // Redundant, never wrong.
      '@typescript-eslint/no-unnecessary-type-assertion': 'off',
      // kafkajs types error codes as numbers and states as enums.
      '@typescript-eslint/no-unsafe-enum-comparison': 'off',
      // Passing `port.method` on is safe where ports are objects of closures; `this` is checked by the compiler.
      '@typescript-eslint/unbound-method': 'off',
    },
  },
  { files: ['src/**'], rules: { '@typescript-eslint/explicit-module-boundary-types': 'error' } },
  {
    // Matchers and parsed output are `any`; the assertion that follows is the check.
    files: ['test/**'],
    rules: {
      '@typescript-eslint/no-unsafe-assignment': 'off',
      '@typescript-eslint/no-unsafe-member-access': 'off',
      '@typescript-eslint/no-unsafe-argument': 'off',
      '@typescript-eslint/no-unsafe-return': 'off',
    },
  },

  mayImport(['src/**'], kafka, postgres),
  mayImport(['src/contract/**'], notOfTheContract),
  mayImport(['src/kafka/**'], postgres),
  mayImport(['src/postgres/**', 'src/source/postgres-*.ts', 'src/sink/postgres-*.ts', 'src/stack/**'], kafka),

  mayUse(['src/**'], exit, environment),
  mayUse(['src/process/config.ts', 'src/process/client-options.ts', 'src/stack/**'], exit),
  mayUse(['test/**', 'examples/**'], exit),
  mayUse([
    'src/cli/command-line.ts',
    'test/main.ts',
    'test/bench/main.ts',
    'test/chaos/{crash,chaos,mutants,seeded-faults,role-process}.ts',
  ]),
)
