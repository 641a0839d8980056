-- CreateTable
CREATE TABLE "job_event" (
    "id" BIGSERIAL NOT NULL,
    "jobId" UUID NOT NULL,
    "revision" INTEGER NOT NULL,
    "kind" TEXT NOT NULL,
    "at" TIMESTAMPTZ(3) NOT NULL DEFAULT clock_timestamp(),
    "deliveredAt" TIMESTAMPTZ(3),

    CONSTRAINT "job_event_pkey" PRIMARY KEY ("id")
);

-- CreateIndex
CREATE INDEX "job_event_deliveredAt_id_idx" ON "job_event"("deliveredAt", "id");
