/* Stands between a program and the disk: records what is written and synced in one folder, and lets syncs fail, wait
 * or find the disk full. Loaded before libc (LD_PRELOAD). What it does is chosen by the environment, or by calling
 * disk_*() from the program itself.
 *
 * A record: kind (1 byte), file descriptor (4), position (8), length (4), data. Kinds: O opened, W written, T cut or
 * grown, S synced, F a sync failed, U removed, R renamed ("old\0new"), A acknowledged, D a folder opened.
 */
#define _GNU_SOURCE
#include <dlfcn.h>
#include <errno.h>
#include <fcntl.h>
#include <pthread.h>
#include <stdarg.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

enum { FILES = 1024, ACKNOWLEDGED = 198 };

static int trace = -1, sync_ms, tracked[FILES];
static long fail_at, fail_until, syncs;
static char folder[512];
static pthread_mutex_t lock = PTHREAD_MUTEX_INITIALIZER;

static int (*real_open)(const char *, int, ...);
static ssize_t (*real_write)(int, const void *, size_t);
static ssize_t (*real_pwrite)(int, const void *, size_t, off_t);
static int (*real_fsync)(int), (*real_fdatasync)(int), (*real_ftruncate)(int, off_t), (*real_close)(int);
static int (*real_unlink)(const char *), (*real_rename)(const char *, const char *);

/* The n-th sync from now fails, and with it as many as follow up to `many` in all. 0: none. */
void disk_fail_sync(long n, long many)
{
	syncs = 0;
	fail_at = n;
	fail_until = n + many;
}

long disk_syncs(void)
{
	return syncs;
}

void disk_slow_sync(int ms)
{
	sync_ms = ms;
}

/* Record to this file from now on, after what is in it. */
void disk_trace(const char *where)
{
	trace = real_open(where, O_CREAT | O_WRONLY | O_APPEND | O_CLOEXEC, 0600);
}

__attribute__((constructor)) static void begin(void)
{
	const char *where = getenv("DISK_TRACE"), *what = getenv("DISK_FOLDER"), *slow = getenv("DISK_SYNC_MS");

	real_open = dlsym(RTLD_NEXT, "open64");
	real_write = dlsym(RTLD_NEXT, "write");
	real_pwrite = dlsym(RTLD_NEXT, "pwrite64");
	real_fsync = dlsym(RTLD_NEXT, "fsync");
	real_fdatasync = dlsym(RTLD_NEXT, "fdatasync");
	real_ftruncate = dlsym(RTLD_NEXT, "ftruncate64");
	real_close = dlsym(RTLD_NEXT, "close");
	real_unlink = dlsym(RTLD_NEXT, "unlink");
	real_rename = dlsym(RTLD_NEXT, "rename");
	if (what)
		snprintf(folder, sizeof folder, "%s", what);
	if (slow)
		sync_ms = atoi(slow);
	if (where)
		trace = real_open(where, O_CREAT | O_WRONLY | O_TRUNC | O_APPEND | O_CLOEXEC, 0600);
}

static void put(char kind, int fd, int64_t at, const void *data, uint32_t length)
{
	char head[17];

	if (trace < 0)
		return;
	head[0] = kind;
	memcpy(head + 1, &fd, 4);
	memcpy(head + 5, &at, 8);
	memcpy(head + 13, &length, 4);
	pthread_mutex_lock(&lock);
	if (real_write(trace, head, sizeof head) < 0 || (length && real_write(trace, data, length) < 0))
		abort();
	pthread_mutex_unlock(&lock);
}

static int ours(const char *path)
{
	size_t length = strlen(folder);

	return length && !strncmp(path, folder, length) && (path[length] == '/' || !path[length]) && !strstr(path, "-shm");
}

static int on(int fd)
{
	return fd >= 0 && fd < FILES && tracked[fd];
}

static int opened(const char *path, int flags, int mode)
{
	struct stat about;
	int fd = real_open(path, flags, mode);

	if (fd >= 0 && fd < FILES && (tracked[fd] = ours(path)))
		put(!fstat(fd, &about) && S_ISDIR(about.st_mode) ? 'D' : 'O', fd, 0, path, strlen(path));
	return fd;
}

int open64(const char *path, int flags, ...)
{
	va_list rest;
	int mode;

	va_start(rest, flags);
	mode = va_arg(rest, int);
	va_end(rest);
	return opened(path, flags, mode);
}

int open(const char *path, int flags, ...)
{
	va_list rest;
	int mode;

	va_start(rest, flags);
	mode = va_arg(rest, int);
	va_end(rest);
	return opened(path, flags, mode);
}

int close(int fd)
{
	if (fd >= 0 && fd < FILES)
		tracked[fd] = 0;
	return real_close(fd);
}

ssize_t pwrite64(int fd, const void *data, size_t length, off_t at)
{
	ssize_t done = real_pwrite(fd, data, length, at);

	if (done > 0 && on(fd))
		put('W', fd, at, data, done);
	return done;
}

ssize_t pwrite(int fd, const void *data, size_t length, off_t at)
{
	return pwrite64(fd, data, length, at);
}

ssize_t write(int fd, const void *data, size_t length)
{
	ssize_t done;

	if (fd == ACKNOWLEDGED && trace >= 0) {
		put('A', 0, 0, data, length);
		return length;
	}
	done = real_write(fd, data, length);
	if (done > 0 && on(fd))
		put('W', fd, lseek(fd, 0, SEEK_CUR) - done, data, done);
	return done;
}

int ftruncate64(int fd, off_t length)
{
	int failed = real_ftruncate(fd, length);

	if (!failed && on(fd))
		put('T', fd, length, 0, 0);
	return failed;
}

int ftruncate(int fd, off_t length)
{
	return ftruncate64(fd, length);
}

/* Recorded before it is done: what others write meanwhile is not covered by it, and nobody was told yet. */
static int synced(int fd, int (*sync)(int))
{
	long number;

	if (!on(fd))
		return sync(fd);
	number = __atomic_add_fetch(&syncs, 1, __ATOMIC_SEQ_CST);
	if (fail_at && number >= fail_at && number < fail_until) {
		put('F', fd, 0, 0, 0);
		errno = EIO;
		return -1;
	}
	put('S', fd, 0, 0, 0);
	if (sync_ms)
		usleep(1000 * sync_ms);
	return sync(fd);
}

int fsync(int fd)
{
	return synced(fd, real_fsync);
}

int fdatasync(int fd)
{
	return synced(fd, real_fdatasync);
}

int unlink(const char *path)
{
	int failed = real_unlink(path);

	if (!failed && ours(path))
		put('U', 0, 0, path, strlen(path));
	return failed;
}

int rename(const char *from, const char *to)
{
	char both[2048];
	int length, failed = real_rename(from, to);

	if (!failed && ours(from) && ours(to)) {
		length = snprintf(both, sizeof both, "%s%c%s", from, 0, to);
		put('R', 0, 0, both, length);
	}
	return failed;
}
