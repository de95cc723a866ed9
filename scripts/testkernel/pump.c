/*
 * Carries standard input into the test kernel. Serial lines carry less than a megabyte per second, but
 * access to the host's files is fast. So the data goes through numbered files in a folder, and a byte on
 * the line announces that the next file is complete ('+') or that the input has ended ('.').
 *
 *   pump send FOLDER     on the host: data from standard input, line on standard output
 *   pump receive FOLDER  on the test kernel: line on standard input, data on standard output
 */
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

enum { AHEAD = 64 };  /* number of files that may await reception */

static char data[256 * 1024];

static void check(int ok, const char *what)
{
	if (!ok) {
		perror(what);
		exit(1);
	}
}

static const char *name(const char *folder, unsigned long number)
{
	static char path[4096];

	snprintf(path, sizeof path, "%s/stdin.%lu", folder, number);
	return path;
}

static void write_all(int fd, const char *from, size_t left)
{
	while (left > 0) {
		ssize_t n = write(fd, from, left);

		check(n > 0, "pump: write");
		from += n;
		left -= n;
	}
}

static void send(const char *folder)
{
	ssize_t n;

	for (unsigned long number = 0; (n = read(0, data, sizeof data)) > 0; number++) {
		while (number >= AHEAD && access(name(folder, number - AHEAD), F_OK) == 0)
			usleep(2000);
		int fd = open(name(folder, number), O_WRONLY | O_CREAT | O_EXCL, 0600);
		check(fd >= 0, "pump: open");
		write_all(fd, data, n);
		check(close(fd) == 0, "pump: close");
		write_all(1, "+", 1);
	}
	check(n == 0, "pump: standard input");
	write_all(1, ".", 1);
}

static void receive(const char *folder)
{
	unsigned long number = 0;
	char line[AHEAD];
	ssize_t got, n;

	while ((got = read(0, line, sizeof line)) > 0) {
		for (ssize_t i = 0; i < got; i++) {
			if (line[i] == '.')
				return;
			int fd = open(name(folder, number), O_RDONLY);
			check(fd >= 0, "pump: open");
			while ((n = read(fd, data, sizeof data)) > 0)
				write_all(1, data, n);
			check(n == 0, "pump: read");
			close(fd);
			unlink(name(folder, number++));
		}
	}
}

int main(int argc, char **argv)
{
	if (argc == 3 && strcmp(argv[1], "send") == 0)
		send(argv[2]);
	else if (argc == 3 && strcmp(argv[1], "receive") == 0)
		receive(argv[2]);
	else
		return 2;
	return 0;
}
