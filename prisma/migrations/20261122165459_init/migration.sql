-- CreateSchema
CREATE SCHEMA IF NOT EXISTS "public";

-- CreateEnum
CREATE TYPE "JobStatus" AS ENUM ('QUEUED', 'PROCESSING', 'RETRYING', 'COMPLETED', 'FAILED', 'CANCELLED');

-- CreateTable
CREATE TABLE "job" (
    "id" UUID NOT NULL DEFAULT gen_random_uuid(),
    "owner" TEXT NOT NULL,
    "status" "JobStatus" NOT NULL DEFAULT 'QUEUED',
    "revision" INTEGER NOT NULL DEFAULT 1,
    "attempt" INTEGER NOT NULL DEFAULT 0,
    "maxAttempts" INTEGER NOT NULL,
    "attemptToken" UUID,
    "nextAttemptAt" TIMESTAMPTZ(3),
    "stage" TEXT,
    "step" INTEGER,
    "totalSteps" INTEGER,
    "percent" DOUBLE PRECISION NOT NULL DEFAULT 0,
    "etaSeconds" DOUBLE PRECISION,
    "progressAt" TIMESTAMPTZ(3),
    "previewAt" TIMESTAMPTZ(3),
    "engine" TEXT NOT NULL,
    "device" TEXT,
    "workerId" TEXT,
    "options" JSONB NOT NULL,
    "estimatedSeconds" DOUBLE PRECISION NOT NULL,
    "photoSha256" TEXT NOT NULL,
    "photoWidth" INTEGER NOT NULL,
    "photoHeight" INTEGER NOT NULL,
    "photoKept" BOOLEAN NOT NULL DEFAULT true,
    "clientRef" TEXT,
    "idempotencyKey" TEXT,
    "fingerprint" TEXT NOT NULL,
    "retryOf" UUID,
    "errorCode" TEXT,
    "errorMessage" TEXT,
    "createdAt" TIMESTAMPTZ(3) NOT NULL DEFAULT clock_timestamp(),
    "startedAt" TIMESTAMPTZ(3),
    "finishedAt" TIMESTAMPTZ(3),
    "expiresAt" TIMESTAMPTZ(3),
    "filesKept" BOOLEAN NOT NULL DEFAULT false,
    "sizeBytes" INTEGER,
    "sha256" TEXT,
    "renderSeconds" DOUBLE PRECISION,

    CONSTRAINT "job_pkey" PRIMARY KEY ("id")
);

-- CreateTable
CREATE TABLE "upload" (
    "id" UUID NOT NULL DEFAULT gen_random_uuid(),
    "owner" TEXT NOT NULL,
    "sha256" TEXT NOT NULL,
    "sizeBytes" INTEGER NOT NULL,
    "width" INTEGER NOT NULL,
    "height" INTEGER NOT NULL,
    "format" TEXT NOT NULL,
    "createdAt" TIMESTAMPTZ(3) NOT NULL DEFAULT clock_timestamp(),
    "expiresAt" TIMESTAMPTZ(3) NOT NULL,

    CONSTRAINT "upload_pkey" PRIMARY KEY ("id")
);

-- CreateTable
CREATE TABLE "worker" (
    "id" TEXT NOT NULL,
    "host" TEXT NOT NULL,
    "pid" INTEGER NOT NULL,
    "device" TEXT NOT NULL,
    "engines" TEXT[],
    "defaultEngines" TEXT[],
    "unavailable" JSONB NOT NULL DEFAULT '{}',
    "state" TEXT NOT NULL,
    "jobId" UUID,
    "version" TEXT NOT NULL,
    "startedAt" TIMESTAMPTZ(3) NOT NULL DEFAULT clock_timestamp(),
    "lastSeenAt" TIMESTAMPTZ(3) NOT NULL DEFAULT clock_timestamp(),
    "stoppedAt" TIMESTAMPTZ(3),

    CONSTRAINT "worker_pkey" PRIMARY KEY ("id")
);

-- CreateTable
CREATE TABLE "setting" (
    "name" TEXT NOT NULL,
    "value" TEXT NOT NULL,

    CONSTRAINT "setting_pkey" PRIMARY KEY ("name")
);

-- CreateIndex
CREATE INDEX "job_owner_createdAt_id_idx" ON "job"("owner", "createdAt" DESC, "id" DESC);

-- CreateIndex
CREATE INDEX "job_status_engine_createdAt_id_idx" ON "job"("status", "engine", "createdAt", "id");

-- CreateIndex
CREATE INDEX "job_expiresAt_idx" ON "job"("expiresAt");

-- CreateIndex
CREATE UNIQUE INDEX "job_owner_idempotencyKey_key" ON "job"("owner", "idempotencyKey");

-- CreateIndex
CREATE INDEX "upload_owner_idx" ON "upload"("owner");

-- CreateIndex
CREATE INDEX "upload_expiresAt_idx" ON "upload"("expiresAt");

-- CreateIndex
CREATE INDEX "worker_lastSeenAt_idx" ON "worker"("lastSeenAt");

