/* A weak machine, loaded before the program: syncs that fail, and a clock that is wrong, as a shared file tells.
 *
 * The file is named by WEAK_MACHINE and holds one `Weakness`. Only files whose path contains `path` fail to sync.
 */
#define _GNU_SOURCE
#include <dlfcn.h>
#include <errno.h>
#include <fcntl.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <time.h>
#include <unistd.h>

typedef struct {
    volatile int64_t skew_s;  /* added to the time of day */
    volatile int32_t failing; /* syncs that still fail */
    volatile int32_t failed;  /* syncs that have failed */
    char path[64];
} Weakness;

static Weakness *weakness;
static int (*real_fdatasync)(int);
static int (*real_fsync)(int);
static int (*real_clock_gettime)(clockid_t, struct timespec *);

__attribute__((constructor)) static void begin(void) {
    real_fdatasync = (int (*)(int))dlsym(RTLD_NEXT, "fdatasync");
    real_fsync = (int (*)(int))dlsym(RTLD_NEXT, "fsync");
    real_clock_gettime = (int (*)(clockid_t, struct timespec *))dlsym(RTLD_NEXT, "clock_gettime");
    const char *name = getenv("WEAK_MACHINE");
    int file = name ? open(name, O_RDWR) : -1;
    if (file < 0) return;
    void *found = mmap(NULL, sizeof(Weakness), PROT_READ | PROT_WRITE, MAP_SHARED, file, 0);
    if (found != MAP_FAILED) weakness = found;
    close(file);
}

static int fails(int file) {
    if (!weakness || weakness->failing <= 0) return 0;
    char link[64], path[4096];
    snprintf(link, sizeof link, "/proc/self/fd/%d", file);
    ssize_t length = readlink(link, path, sizeof path - 1);
    if (length < 0) return 0;
    path[length] = 0;
    if (!strstr(path, weakness->path)) return 0;
    __sync_fetch_and_sub(&weakness->failing, 1);
    __sync_fetch_and_add(&weakness->failed, 1);
    errno = EIO;
    return 1;
}

int fdatasync(int file) { return fails(file) ? -1 : real_fdatasync(file); }
int fsync(int file) { return fails(file) ? -1 : real_fsync(file); }

int clock_gettime(clockid_t clock, struct timespec *at) {
    int status = real_clock_gettime(clock, at);
    if (status == 0 && weakness && clock == CLOCK_REALTIME) at->tv_sec += weakness->skew_s;
    return status;
}
