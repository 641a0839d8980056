/** A process that writes one record repeatedly, each time with a greater number, until it is killed. */
import { z } from 'zod';
import { JsonFolder } from '../../bot/state/folder.ts';

const { folder } = JSON.parse(process.argv[2] ?? '') as { folder: string };
const records = await JsonFolder.open(folder, z.object({ number: z.number(), filler: z.string() }));
for (let number = 1; ; number++) {
  await records.write('one', { number, filler: 'x'.repeat(50_000) });
  process.send?.(number);
}
