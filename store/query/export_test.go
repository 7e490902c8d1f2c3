package query

// SourceBatch is for tests that must read more than one batch.
const SourceBatch = sourceBatch
