/* Writes down what a program does to the files below one folder, for tests/disk/recording.py.
 *
 * Preloaded (LD_PRELOAD), so that no debugger's rights are needed: a container may forbid ptrace.
 * Each operation is made and noted under one lock, so that the notes have the order of the disk. A
 * note is a head of five numbers and, behind it, a first path, a second path and the bytes written.
 * What could pass by unseen (sendfile, a shared writable mapping) is refused or noted as UNKNOWN.
 */
#define _GNU_SOURCE
#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <pthread.h>
#include <stdarg.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <sys/uio.h>
#include <unistd.h>

enum { OPEN = 1, WRITE, SYNC, TRUNCATE, UNLINK, RENAME, LINK, MKDIR, RMDIR, UNKNOWN };
enum { FILES_MAX = 4096 };

struct head {
    uint32_t kind, first, second, bytes;
    uint64_t inode, offset;
};

static pthread_mutex_t lock = PTHREAD_MUTEX_INITIALIZER;
static char folder[PATH_MAX];
static size_t folder_length;
static int notes = -1;
static unsigned char followed[FILES_MAX];

__attribute__((constructor)) static void begin(void) {
    const char *where = getenv("RECORDED_FOLDER"), *into = getenv("RECORDED_INTO");
    if (where == NULL || into == NULL) return;
    strncpy(folder, where, sizeof folder - 1);
    folder_length = strlen(folder);
    notes = (int)syscall(SYS_openat, AT_FDCWD, into, O_WRONLY | O_CREAT | O_APPEND | O_CLOEXEC, 0600);
}

static void put(const void *bytes, size_t size) {
    for (const char *at = bytes; size > 0;) {
        long written = syscall(SYS_write, notes, at, size);
        if (written <= 0) _exit(97);
        at += written;
        size -= (size_t)written;
    }
}

static void note(uint32_t kind, uint64_t inode, uint64_t offset, const char *first,
                 const char *second, const void *bytes, size_t size) {
    struct head head = {kind, (uint32_t)strlen(first), (uint32_t)strlen(second), (uint32_t)size,
                        inode, offset};
    put(&head, sizeof head);
    put(first, head.first);
    put(second, head.second);
    put(bytes, size);
}

/* The whole path in `whole`; whether it lies below the folder. */
static int below(int at, const char *path, char *whole) {
    whole[0] = 0;
    if (notes < 0 || path == NULL) return 0;
    if (path[0] == '/') {
        snprintf(whole, PATH_MAX, "%s", path);
    } else if (at == AT_FDCWD) {
        char here[PATH_MAX];
        if (syscall(SYS_getcwd, here, sizeof here) < 0) return 0;
        snprintf(whole, PATH_MAX, "%s/%s", here, path);
    } else {
        char link[64], there[PATH_MAX];
        snprintf(link, sizeof link, "/proc/self/fd/%d", at);
        ssize_t length = readlink(link, there, sizeof there - 1);
        if (length < 0) return 0;
        there[length] = 0;
        snprintf(whole, PATH_MAX, "%s/%s", there, path);
    }
    return strncmp(whole, folder, folder_length) == 0 &&
           (whole[folder_length] == '/' || whole[folder_length] == 0);
}

static int is_followed(int file) { return file >= 0 && file < FILES_MAX && followed[file]; }

static uint64_t inode_of(int file) {
    struct stat about;
    return fstat(file, &about) == 0 ? (uint64_t)about.st_ino : 0;
}

static uint64_t size_of(int file) {
    struct stat about;
    return fstat(file, &about) == 0 ? (uint64_t)about.st_size : 0;
}

static int opened(int at, const char *path, int flags, mode_t mode) {
    char whole[PATH_MAX];
    int file;
    if (!below(at, path, whole)) {
        file = (int)syscall(SYS_openat, at, path, flags, mode);
        if (file >= 0 && file < FILES_MAX) followed[file] = 0;
        return file;
    }
    pthread_mutex_lock(&lock);
    file = (int)syscall(SYS_openat, at, path, flags, mode);
    int failed = errno;
    if (file >= FILES_MAX) _exit(98);
    if (file >= 0) {
        followed[file] = 1;
        note(OPEN, inode_of(file), (flags & O_TRUNC) ? 1 : 0, whole, "", "", 0);
    }
    errno = failed;
    pthread_mutex_unlock(&lock);
    return file;
}

#define OPENS(name)                                             \
    int name(const char *path, int flags, ...) {                \
        va_list more;                                           \
        va_start(more, flags);                                  \
        mode_t mode = (mode_t)va_arg(more, int);                \
        va_end(more);                                           \
        return opened(AT_FDCWD, path, flags, mode);             \
    }
#define OPENS_AT(name)                                          \
    int name(int at, const char *path, int flags, ...) {        \
        va_list more;                                           \
        va_start(more, flags);                                  \
        mode_t mode = (mode_t)va_arg(more, int);                \
        va_end(more);                                           \
        return opened(at, path, flags, mode);                   \
    }
OPENS(open)
OPENS(open64)
OPENS_AT(openat)
OPENS_AT(openat64)
int __open_2(const char *path, int flags) { return opened(AT_FDCWD, path, flags, 0); }
int __open64_2(const char *path, int flags) { return opened(AT_FDCWD, path, flags, 0); }
int creat(const char *path, mode_t mode) {
    return opened(AT_FDCWD, path, O_CREAT | O_WRONLY | O_TRUNC, mode);
}

int close(int file) {
    pthread_mutex_lock(&lock);
    if (is_followed(file)) followed[file] = 0;
    int done = (int)syscall(SYS_close, file);
    pthread_mutex_unlock(&lock);
    return done;
}

static ssize_t placed(int file, const void *bytes, size_t size, off_t offset) {
    pthread_mutex_lock(&lock);
    ssize_t done = syscall(SYS_pwrite64, file, bytes, size, offset);
    int failed = errno;
    if (done > 0) note(WRITE, inode_of(file), (uint64_t)offset, "", "", bytes, (size_t)done);
    errno = failed;
    pthread_mutex_unlock(&lock);
    return done;
}

#define PLACES(name, type)                                                      \
    ssize_t name(int file, const void *bytes, size_t size, type offset) {       \
        if (!is_followed(file)) return syscall(SYS_pwrite64, file, bytes, size, offset); \
        return placed(file, bytes, size, offset);                               \
    }
PLACES(pwrite, off_t)
PLACES(pwrite64, off64_t)

ssize_t write(int file, const void *bytes, size_t size) {
    if (!is_followed(file)) return syscall(SYS_write, file, bytes, size);
    pthread_mutex_lock(&lock);
    int appends = fcntl(file, F_GETFL) & O_APPEND;
    uint64_t offset = appends ? size_of(file) : (uint64_t)lseek(file, 0, SEEK_CUR);
    ssize_t done = syscall(SYS_write, file, bytes, size);
    int failed = errno;
    if (done > 0) note(WRITE, inode_of(file), offset, "", "", bytes, (size_t)done);
    errno = failed;
    pthread_mutex_unlock(&lock);
    return done;
}

static int synced(int file, long number) {
    if (!is_followed(file)) return (int)syscall(number, file);
    pthread_mutex_lock(&lock);
    int done = (int)syscall(number, file), failed = errno;
    if (done == 0) note(SYNC, inode_of(file), 0, "", "", "", 0);
    errno = failed;
    pthread_mutex_unlock(&lock);
    return done;
}

int fsync(int file) { return synced(file, SYS_fsync); }
int fdatasync(int file) { return synced(file, SYS_fdatasync); }

static int cut(int file, off_t size) {
    if (!is_followed(file)) return (int)syscall(SYS_ftruncate, file, size);
    pthread_mutex_lock(&lock);
    int done = (int)syscall(SYS_ftruncate, file, size), failed = errno;
    if (done == 0) note(TRUNCATE, inode_of(file), (uint64_t)size, "", "", "", 0);
    errno = failed;
    pthread_mutex_unlock(&lock);
    return done;
}

int ftruncate(int file, off_t size) { return cut(file, size); }
int ftruncate64(int file, off64_t size) { return cut(file, size); }

/* An operation on one name or two. */
static int named(uint32_t kind, long number, int from, const char *old, int to, const char *new,
                 int flags) {
    char first[PATH_MAX], second[PATH_MAX] = "";
    int is_ours = below(from, old, first);
    if (new != NULL) is_ours |= below(to, new, second);
    pthread_mutex_lock(&lock);
    int done;
    if (number == SYS_linkat)
        done = (int)syscall(number, from, old, to, new, flags);
    else if (number == SYS_renameat)
        done = (int)syscall(number, from, old, to, new);
    else
        done = (int)syscall(number, from, old, flags);
    int failed = errno;
    if (done == 0 && is_ours) {
        struct stat about;
        const char *there = new != NULL ? second : first;
        uint64_t inode = stat(there, &about) == 0 ? (uint64_t)about.st_ino : 0;
        note(kind, inode, 0, first, second, "", 0);
    }
    errno = failed;
    pthread_mutex_unlock(&lock);
    return done;
}

int unlink(const char *path) { return named(UNLINK, SYS_unlinkat, AT_FDCWD, path, 0, NULL, 0); }
int unlinkat(int at, const char *path, int flags) {
    uint32_t kind = (flags & AT_REMOVEDIR) ? RMDIR : UNLINK;
    return named(kind, SYS_unlinkat, at, path, 0, NULL, flags);
}
int rmdir(const char *path) {
    return named(RMDIR, SYS_unlinkat, AT_FDCWD, path, 0, NULL, AT_REMOVEDIR);
}
int rename(const char *old, const char *new) {
    return named(RENAME, SYS_renameat, AT_FDCWD, old, AT_FDCWD, new, 0);
}
int renameat(int from, const char *old, int to, const char *new) {
    return named(RENAME, SYS_renameat, from, old, to, new, 0);
}
int link(const char *old, const char *new) {
    return named(LINK, SYS_linkat, AT_FDCWD, old, AT_FDCWD, new, 0);
}
int linkat(int from, const char *old, int to, const char *new, int flags) {
    return named(LINK, SYS_linkat, from, old, to, new, flags);
}
int mkdir(const char *path, mode_t mode) {
    return named(MKDIR, SYS_mkdirat, AT_FDCWD, path, 0, NULL, (int)mode);
}
int mkdirat(int at, const char *path, mode_t mode) {
    return named(MKDIR, SYS_mkdirat, at, path, 0, NULL, (int)mode);
}

/* Python copies by read and write when this is refused so. */
ssize_t sendfile(int out, int in, off_t *offset, size_t count) {
    if (is_followed(out)) {
        errno = ENOTSOCK;
        return -1;
    }
    return syscall(SYS_sendfile, out, in, offset, count);
}
ssize_t sendfile64(int out, int in, off64_t *offset, size_t count) {
    return sendfile(out, in, offset, count);
}

static void unseen(int file, const char *what) {
    if (!is_followed(file)) return;
    pthread_mutex_lock(&lock);
    note(UNKNOWN, inode_of(file), 0, what, "", "", 0);
    pthread_mutex_unlock(&lock);
}

ssize_t writev(int file, const struct iovec *parts, int count) {
    unseen(file, "writev");
    return syscall(SYS_writev, file, parts, count);
}
int fallocate(int file, int mode, off_t offset, off_t size) {
    unseen(file, "fallocate");
    return (int)syscall(SYS_fallocate, file, mode, offset, size);
}
int posix_fallocate(int file, off_t offset, off_t size) {
    unseen(file, "posix_fallocate");
    return syscall(SYS_fallocate, file, 0, offset, size) == 0 ? 0 : errno;
}
ssize_t copy_file_range(int in, off64_t *from, int out, off64_t *to, size_t size, unsigned flags) {
    unseen(out, "copy_file_range");
    return syscall(SYS_copy_file_range, in, from, out, to, size, flags);
}
static void *mapped(void *at, size_t size, int rights, int flags, int file, off_t offset) {
    if ((flags & MAP_SHARED) && (rights & PROT_WRITE)) unseen(file, "mmap");
    return (void *)syscall(SYS_mmap, at, size, rights, flags, file, offset);
}
void *mmap(void *at, size_t size, int rights, int flags, int file, off_t offset) {
    return mapped(at, size, rights, flags, file, offset);
}
void *mmap64(void *at, size_t size, int rights, int flags, int file, off64_t offset) {
    return mapped(at, size, rights, flags, file, offset);
}
