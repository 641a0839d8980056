import { randomBytes } from 'node:crypto';
import type { PrismaClient } from '../generated/prisma/client.ts';

/** A random secret that all processes on this database share, created when it is first requested. */
export async function sharedSecret(db: PrismaClient, name: string): Promise<string> {
  await db.setting.createMany({ data: [{ name, value: randomBytes(32).toString('base64url') }], skipDuplicates: true });
  return (await db.setting.findUniqueOrThrow({ where: { name } })).value;
}
