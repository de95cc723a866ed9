/*
 * Lets user-mode Linux run on processors with AMX, as a library for LD_PRELOAD.
 *
 * User-mode Linux saves the floating point state of its processes with PTRACE_GETREGSET into a buffer
 * that is too short for the AMX tiles (8 KiB), and writes back what it has. PTRACE_SETREGSET takes
 * nothing but a complete state and answers EFAULT, upon which user-mode Linux stops ("ptrace set fp regs
 * failed, errno = 14"). Here a short state is completed with what the process has before it is written.
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

	/* The C library returns what the system call stores. */
	if (request >= PTRACE_PEEKTEXT && request <= PTRACE_PEEKUSER) {
		long word;

		if (call(request, pid, address, &word) < 0)
			return -1;
		errno = 0;
		return word;
	}
	if (request == PTRACE_SETREGSET && address == (void *)NT_X86_XSTATE) {
		struct iovec *given = data;
		struct iovec whole = { state, sizeof state };

		if (call(PTRACE_GETREGSET, pid, address, &whole) < 0)
			return -1;
		if (given->iov_len < whole.iov_len) {
			memcpy(state, given->iov_base, given->iov_len);
			return call(request, pid, address, &whole);
		}
	}
	return call(request, pid, address, data);
}
