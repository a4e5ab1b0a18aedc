#pragma once
/*
 * Does this kernel carry MPK isolation? Found out by trying, not by version: a
 * kernel before 6.12 kills the process on the first signal that comes while key
 * 0 is denied, and that must not be the daemon.
 */

/*
 * First thread, no other threads. In a child process: takes the keys,
 * partitions, enters an isolate that touches key 0, and expects the fault to be
 * caught. 0, or -ENOTSUP and a sentence for the user in *ret_why.
 */
int probe_run(const char **ret_why);
