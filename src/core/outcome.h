#pragma once
/*
 * How an invocation, a load or a removal ended, in terms of the core; the
 * network floor maps each to a status and a Class.Reason code.
 */
enum outcome {
	OUTCOME_OK = 0,
	OUTCOME_NOT_FOUND,     /* Function.NotFound */
	OUTCOME_DRAINING,      /* Daemon.Draining */
	OUTCOME_BAD_REQUEST,   /* Request.BadJson */
	OUTCOME_LOAD_FAILED,   /* Code.LoadFailed */
	OUTCOME_ENTRY_MISSING, /* Code.EntryMissing */
	OUTCOME_REJECTED,      /* Code.Rejected */
	OUTCOME_ERROR,	       /* Function.Error: it raised */
	OUTCOME_CRASHED,       /* Function.Crashed: fault other than below */
	OUTCOME_OUT_OF_MEMORY, /* Function.OutOfMemory */
	OUTCOME_RESPONSE_TOO_LARGE, /* Function.ResponseSizeTooLarge */
	OUTCOME_RESPONSE_INVALID,   /* Function.ResponseInvalid */
	OUTCOME_MEMORY_VIOLATION,   /* Sandbox.MemoryViolation */
	OUTCOME_SYSCALL_DENIED,	    /* Sandbox.SyscallDenied */
	OUTCOME_TIMEOUT,	    /* Sandbox.Timeout */
	OUTCOME_NO_ISOLATE,	    /* Limit.Memory: slots, buffers, budgets */
	OUTCOME_QUEUE_FULL,	    /* Limit.QueueFull */
	OUTCOME_QUEUE_WAIT,	    /* Limit.QueueWait */
	OUTCOME_CONCURRENCY,	    /* Limit.Concurrency */
	OUTCOME_RATE,		    /* Limit.Rate */
	OUTCOME_CPU_TIME,	    /* Sandbox.CpuTime */
	OUTCOME_CPU_SHARE,	    /* Limit.Cpu */
	OUTCOME_INTERNAL,	    /* Daemon.Internal */
	OUTCOME_COUNT,
};
