import { Buffer } from 'node:buffer';

/** An ELF file for 64-bit x86 without code, that holds `text` as a C string. Source of the offsets: the ELF-64 object file format. */
export function elf(text: string, { machine = 62 } = {}): Buffer {
  const header = Buffer.alloc(64);
  header.write('\x7fELF\x02\x01\x01', 'latin1');
  header.writeUInt16LE(machine, 18);
  const body = Buffer.from(`\0${text}\0`.padEnd(200, '\0'));
  header.writeBigUInt64LE(BigInt(header.length + body.length), 40); // section header table: one entry, at the end
  header.writeUInt16LE(64, 58);
  header.writeUInt16LE(1, 60);
  return Buffer.concat([header, body, Buffer.alloc(64)]);
}
