-- What renders cost on a worker, as its engines reckon: the estimate of a device nobody has measured yet.
ALTER TABLE "worker" ADD COLUMN "paces" JSONB NOT NULL DEFAULT '{}';

-- What was reckoned before anything was learnt, so that a job teaches how far the reckoning is off whatever model it was rendered with.
ALTER TABLE "job" ADD COLUMN "guessSeconds" DOUBLE PRECISION;
