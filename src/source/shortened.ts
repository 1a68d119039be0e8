const mostCharacters = 80

/** A value as a message tells it. */
export const shortened = (text: string): string =>
  text.length <= mostCharacters ? JSON.stringify(text) : `${JSON.stringify(text.slice(0, mostCharacters))}…`
