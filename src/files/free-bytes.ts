/**
 * Gives memory back at once that nothing reads any more; else it would wait for a full collection, and a reader of
 * large pages would hold many times what it needs. Bytes that are part of a larger buffer are left alone.
 */
export function freeBytes(bytes: Buffer): void {
  const { buffer } = bytes
  if (buffer instanceof ArrayBuffer && bytes.byteLength === buffer.byteLength) buffer.transfer(0)
}
