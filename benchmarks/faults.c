/* Disks that fail or are slow, and clocks that jump, for a process that is started with LD_PRELOAD; see faults.py.

   FAULTS_FOLDER   files below it are meant, no others
   FAULTS_ERRNO    what calls that write fail with; 0: they do not
   FAULTS_FIRST    the how manieth such call of a process fails first, and all after it
   FAULTS_SIGNAL   what a process sends itself at that call, in place of failing; 0: nothing
   FAULTS_SLEEP    microseconds, the most that such a call takes longer
   FAULTS_CLOCK    seconds that the clock of the day may be off, to either side; it jumps every few readings
   FAULTS_LOCKS    0: the disk knows no locks
   FAULTS_SEED     what sleeps and jumps follow from
   FAULTS_TOLD     file that gets a letter for each process when something happens to it for the first time */
#define _GNU_SOURCE
#include <dlfcn.h>
#include <errno.h>
#include <fcntl.h>
#include <signal.h>
#include <stdarg.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/syscall.h>
#include <sys/types.h>
#include <time.h>
#include <unistd.h>

enum { OPEN = 1, WRITE = 2, SYNC = 4, NAME = 8 };

static long calls, readings;
static int has_told;

static long number(const char *name) {
    const char *text = getenv(name);
    return text ? atol(text) : 0;
}

static void tell(void) {
    const char *path = getenv("FAULTS_TOLD");
    if (has_told || !path) return;
    has_told = 1;
    int file = syscall(SYS_openat, AT_FDCWD, path, O_WRONLY | O_APPEND | O_CREAT, 0600);
    syscall(SYS_write, file, "x", 1);
    syscall(SYS_close, file);
}

static uint64_t draw(long which) {
    uint64_t x = (uint64_t)number("FAULTS_SEED") * 0x9e3779b97f4a7c15u + (uint64_t)which + 1;
    x = (x ^ (x >> 30)) * 0xbf58476d1ce4e5b9u;
    x = (x ^ (x >> 27)) * 0x94d049bb133111ebu;
    return x ^ (x >> 31);
}

static int is_meant(const char *path) {
    const char *folder = getenv("FAULTS_FOLDER");
    return folder && !strncmp(path, folder, strlen(folder));
}

static int is_meant_file(int file) {
    char link[40], path[4096];
    snprintf(link, sizeof link, "/proc/self/fd/%d", file);
    ssize_t length = readlink(link, path, sizeof path - 1);
    if (length < 0) return 0;
    path[length] = 0;
    return is_meant(path);
}

static int concerns(int error, int what) {
    switch (error) {
    case EROFS: return what & (OPEN | NAME);
    case EIO: return what & (WRITE | SYNC | NAME);
    default: return what & (OPEN | WRITE | SYNC); /* ENOSPC, EDQUOT */
    }
}

/* 0: go on; 1: fails for the first time; 2: fails again; errno is set. */
static int fault(int what) {
    long most = number("FAULTS_SLEEP"), call = __sync_add_and_fetch(&calls, 1);
    int error = (int)number("FAULTS_ERRNO");
    if (most) {
        uint64_t nanoseconds = draw(call) % (uint64_t)most * 1000;
        struct timespec pause = {nanoseconds / 1000000000, nanoseconds % 1000000000};
        tell();
        nanosleep(&pause, NULL);
    }
    if (number("FAULTS_SIGNAL") && call == number("FAULTS_FIRST")) {
        tell();
        kill(getpid(), (int)number("FAULTS_SIGNAL"));
    }
    if (!error || call < number("FAULTS_FIRST") || !concerns(error, what)) return 0;
    int before = has_told;
    tell();
    errno = error;
    return 1 + before;
}

#define REAL(name) ((__typeof__(&name))dlsym(RTLD_NEXT, #name))

#define OPENING(name)                                                       \
    int name(const char *path, int flags, ...) {                            \
        va_list rest;                                                       \
        va_start(rest, flags);                                              \
        mode_t mode = va_arg(rest, mode_t);                                 \
        va_end(rest);                                                       \
        if ((flags & (O_CREAT | O_WRONLY | O_RDWR)) && is_meant(path) && fault(OPEN)) return -1; \
        return REAL(name)(path, flags, mode);                               \
    }
OPENING(open)
OPENING(open64)

#define WRITING(name, parameters, arguments, half)                          \
    ssize_t name parameters {                                               \
        int how = is_meant_file(file) ? fault(WRITE) : 0;                   \
        if (how == 1 && size > 1) return REAL(name) half; /* as a disk that fills up does */ \
        return how ? -1 : REAL(name) arguments;                             \
    }
WRITING(write, (int file, const void *data, size_t size), (file, data, size), (file, data, size / 2))
WRITING(pwrite64, (int file, const void *data, size_t size, off64_t at), (file, data, size, at), (file, data, size / 2, at))

int fsync(int file) { return is_meant_file(file) && fault(SYNC) ? -1 : REAL(fsync)(file); }
int rename(const char *from, const char *to) { return is_meant(to) && fault(NAME) ? -1 : REAL(rename)(from, to); }
int link(const char *from, const char *to) { return is_meant(to) && fault(NAME) ? -1 : REAL(link)(from, to); }
int mkdir(const char *path, mode_t mode) { return is_meant(path) && fault(OPEN) ? -1 : REAL(mkdir)(path, mode); }

int flock(int file, int operation) {
    const char *locks = getenv("FAULTS_LOCKS");
    if (locks && !strcmp(locks, "0") && is_meant_file(file)) {
        tell();
        errno = ENOLCK;
        return -1;
    }
    return syscall(SYS_flock, file, operation);
}

int clock_gettime(clockid_t clock, struct timespec *now) {
    long most = number("FAULTS_CLOCK");
    int status = syscall(SYS_clock_gettime, clock, now);
    if (most && clock == CLOCK_REALTIME && !status) {
        tell();
        now->tv_sec += (time_t)(draw(__sync_add_and_fetch(&readings, 1) / 7) % (uint64_t)(2 * most + 1)) - most;
    }
    return status;
}
