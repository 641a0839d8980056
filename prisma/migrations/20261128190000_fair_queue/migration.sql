-- DropIndex
DROP INDEX "job_status_engine_createdAt_id_idx";

-- AlterTable
ALTER TABLE "job" ADD COLUMN     "admission" INTEGER,
ADD COLUMN     "turn" INTEGER NOT NULL DEFAULT 0;

-- Unfinished jobs have all been handed to the queue, in order of creation.
UPDATE "job" SET "admission" = placed.admission, "turn" = placed.turn
FROM (
    SELECT "id",
        row_number() OVER (PARTITION BY "engine" ORDER BY "createdAt", "id") AS admission,
        row_number() OVER (PARTITION BY "engine", "owner" ORDER BY "createdAt", "id") AS turn
    FROM "job" WHERE "status" IN ('QUEUED', 'PROCESSING', 'RETRYING')
) AS placed
WHERE "job"."id" = placed."id";

-- CreateIndex
CREATE INDEX "job_status_engine_admission_turn_createdAt_id_idx" ON "job"("status", "engine", "admission", "turn", "createdAt", "id");
