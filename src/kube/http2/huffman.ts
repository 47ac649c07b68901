import { HollowmarkError } from '../../base/errors.ts';

/**
 * The length in bits of each byte's code (RFC 7541, appendix B), a base-36 digit each. That is all there is to know: the
 * code is canonical, so that codes of one length are consecutive, in the order of the bytes.
 */
const lengths =
  'dnsssssssoussussssssssusssssssss6aacd68baa8b8666555666666678f6cad67777777777777777777777878djde6' +
  'f56565666577666567655677777fbedskmkkmmmnmnnnnnonoomnonnnnlmnmnnomlkmmnnlnmmolmnnllmlnmnnkmmmnmmn' +
  'qqkjmnmpqqqrrqopjlqrrqrollqqsrrrkoklmllnmmppooqnqrqqrrrrrsrrrrrq';

const bitsMax = 30;

/** The first code of each length, and where its byte stands among all bytes by length and value. */
const firstCodes = new Int32Array(bitsMax + 1);
const firstRanks = new Int32Array(bitsMax + 2);
const bytesByRank: number[] = [];

for (let bits = 1, code = 0; bits <= bitsMax; bits++) {
  firstCodes[bits] = code;
  firstRanks[bits] = bytesByRank.length;
  for (let byte = 0; byte < lengths.length; byte++) {
    if (Number.parseInt(lengths[byte] as string, 36) === bits) bytesByRank.push(byte);
  }
  code = (code + bytesByRank.length - (firstRanks[bits] as number)) << 1;
  firstRanks[bits + 1] = bytesByRank.length;
}

/**
 * The text that the bytes stand for.
 * @throws HollowmarkError `internal` when they end within a code, or hold one that there is not.
 */
export function decodeHuffman(bytes: Uint8Array): string {
  let text = '';
  let code = 0;
  let bits = 0;
  for (const byte of bytes) {
    for (let bit = 7; bit >= 0; bit--) {
      code = (code << 1) | ((byte >> bit) & 1);
      if (++bits > bitsMax) throw broken();
      const rank = (firstRanks[bits] as number) + code - (firstCodes[bits] as number);
      if (rank < (firstRanks[bits + 1] as number)) {
        text += String.fromCharCode(bytesByRank[rank] as number);
        code = 0;
        bits = 0;
      }
    }
  }
  // What is left is padding: at most seven ones.
  if (bits > 7 || code !== (1 << bits) - 1) throw broken();
  return text;
}

function broken(): HollowmarkError {
  return new HollowmarkError('internal', 'HTTP/2 header block: no Huffman code');
}
