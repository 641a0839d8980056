-- What renders cost on a worker, as its engines reckon: the estimate of a device nobody has measured yet.
ALTER TABLE "worker" ADD COLUMN "paces" JSONB NOT NULL DEFAULT '{}';
