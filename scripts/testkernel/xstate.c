/*
 * A library for LD_PRELOAD that lets user-mode Linux run on processors with AMX.
 *
 * User-mode Linux saves the floating-point state of its processes with PTRACE_GETREGSET into a buffer that
 * is too short for the AMX tiles (8 KiB), and writes this buffer back. PTRACE_SETREGSET accepts only a
 * complete state and fails with EFAULT, upon which user-mode Linux stops ("ptrace set fp regs failed, errno
 * = 14"). This library completes a short state from the current state of the process before writing it.
 */
#define _GNU_SOURCE
#include <elf.h>
#include <errno.h>
#include <stdarg.h>
#include <string.h>
#include <sys/ptrace.h>
#include <sys/syscall.h>
#include <sys/types.h>
#include <sys/uio.h>
#include <unistd.h>

static long call(long request, pid_t pid, void *address, void *data)
{
	return syscall(SYS_ptrace, request, pid, address, data);
}

long ptrace(enum __ptrace_request request, ...)
{
	static char state[65536] __attribute__((aligned(64)));
	va_list list;

	va_start(list, request);
	pid_t pid = va_arg(list, pid_t);
	void *address = va_arg(list, void *);
	void *data = va_arg(list, void *);
	va_end(list);

	/* The system call stores the word; the C library returns it. */
	if (request >= PTRACE_PEEKTEXT && request <= PTRACE_PEEKUSER) {
		long word;

		if (call(request, pid, address, &word) < 0)
			return -1;
		errno = 0;
		return word;
	}
	if (request == PTRACE_SETREGSET && address == (void *)NT_X86_XSTATE) {
		struct iovec *partial = data;
		struct iovec complete = { state, sizeof state };

		if (call(PTRACE_GETREGSET, pid, address, &complete) < 0)
			return -1;
		if (partial->iov_len < complete.iov_len) {
			memcpy(state, partial->iov_base, partial->iov_len);
			return call(request, pid, address, &complete);
		}
	}
	return call(request, pid, address, data);
}
