-- Why a device is UNHEALTHY, or what a detected device is and why it is used.
ALTER TABLE "worker" ADD COLUMN "detail" TEXT;
