/**
 * A value does not fit what it should become. The message goes on after the name of the column: "is null".
 * `index` is its place among the values that were asked for.
 */
export class ValueError extends Error {
  override readonly name = 'ValueError'
  index = 0
}
