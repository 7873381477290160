/* Load generator: many MQTT 3.1.1 devices on one thread, by epoll, with packets encoded beforehand.
 *
 * Prints "begin" and "end" around the measured span, then one line of JSON. Counts as proved a message
 * whose PUBACK came (QoS 1), or after which a PINGRESP came (QoS 0: all before it was parsed).
 */
#define _GNU_SOURCE
#include <arpa/inet.h>
#include <errno.h>
#include <fcntl.h>
#include <getopt.h>
#include <netinet/tcp.h>
#include <signal.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/epoll.h>
#include <sys/resource.h>
#include <sys/socket.h>
#include <sys/timerfd.h>
#include <time.h>
#include <unistd.h>

enum { POOL = 32, MOST_PACKET = 384, MOST_WINDOW = 4096, MOST_CONNECTIONS = 12000, MOST_PINGS = 2, INBOX = 16384 };
enum { SUB = 32, BUCKETS = 40 * SUB }; /* histogram: 32 buckets to each doubling, 3 % wide */
static const uint64_t SECOND = 1000000000ull;

typedef struct {
    uint64_t at; /* when it was sent; 0 means the slot is free */
    uint64_t ts;
    uint16_t pid;
} Slot;

typedef struct {
    int fd, index, open, blocked, queued;
    char *pool;             /* POOL packets of `size` bytes each */
    size_t size, pid_at, ts_at;
    char *out;              /* what is being written */
    size_t out_len, out_done;
    unsigned char in[512];  /* the beginning of an incomplete packet */
    size_t in_len;
    Slot *slots;
    uint32_t last_pid, in_flight;
    uint64_t sent, proved;
    uint64_t unpinged, pinged[MOST_PINGS]; /* QoS 0: messages since the last PINGREQ, and before each open one */
    int pings;
} Device;

static struct {
    const char *host, *tokens, *topic, *journal;
    int port, connections, qos, window, burst, with_ts;
    double seconds, warmup, drain, rate;
    uint64_t from_ms;
} want = {.host = "127.0.0.1", .topic = "v1/devices/me/telemetry", .connections = 1, .qos = 1, .window = 1,
          .seconds = 60, .drain = 60};

static Device *devices;
static Device **ready; /* ring of devices that may send */
static size_t ready_at, ready_n;
static int epoll_fd, pacer_fd = -1, sending = 1, journal_fd = -1;
static uint64_t sent, proved, lost, chunk, started, histogram[BUCKETS], slowest;
static int measuring;
static char journal[1 << 16];
static size_t journal_len;

static uint64_t now(void) {
    struct timespec t;
    clock_gettime(CLOCK_MONOTONIC, &t);
    return (uint64_t)t.tv_sec * SECOND + (uint64_t)t.tv_nsec;
}

static double cpu_seconds(void) {
    struct timespec t;
    clock_gettime(CLOCK_PROCESS_CPUTIME_ID, &t);
    return (double)t.tv_sec + (double)t.tv_nsec / 1e9;
}

static void fail(const char *sentence, const char *detail) {
    fprintf(stderr, "load: %s%s%s\n", sentence, *detail ? ": " : "", detail);
    exit(2);
}

static void *room(size_t n, size_t each) {
    void *got = calloc(n, each);
    if (got == NULL) fail("there is not enough memory for so many connections", "");
    return got;
}

/* ---- histogram of nanoseconds ---- */

static int bucket_of(uint64_t ns) {
    if (ns < SUB) return (int)ns;
    int power = 63 - __builtin_clzll(ns), shift = power - 5;
    int bucket = (shift + 1) * SUB + (int)((ns >> shift) - SUB);
    return bucket < BUCKETS ? bucket : BUCKETS - 1;
}

static double middle_of(int bucket) {
    if (bucket < SUB) return bucket;
    int shift = bucket / SUB - 1;
    return ((double)(bucket % SUB + SUB) + 0.5) * (double)(1ull << shift);
}

static double quantile_us(double share) {
    uint64_t total = 0, seen = 0;
    for (int i = 0; i < BUCKETS; i++) total += histogram[i];
    for (int i = 0; i < BUCKETS; i++)
        if (total && (double)(seen += histogram[i]) >= share * (double)total) return middle_of(i) / 1e3;
    return 0;
}

/* ---- packets ---- */

static size_t put_length(char *to, size_t length) {
    size_t n = 0;
    do {
        to[n] = (char)((length % 128) | (length >= 128 ? 128 : 0));
        length /= 128;
        n++;
    } while (length);
    return n;
}

static size_t put_text(char *to, const char *text, size_t n) {
    to[0] = (char)(n >> 8);
    to[1] = (char)n;
    memcpy(to + 2, text, n);
    return n + 2;
}

/* Values that look like a room's, all of one width; whole co2 - 1000 is the number of the device. */
static size_t write_body(char *to, size_t space, int device, int step) {
    int t = 1800 + (device * 37 + step * 3 + (step * step) % 7) % 900, h = 400 + (device * 11 + step) % 300;
    const char *open = want.with_ts ? "{\"ts\":0000000000000,\"values\":" : "";
    return (size_t)snprintf(to, space, "%s{\"temperature\":%02d.%02d,\"humidity\":%02d.%d,\"co2\":%04d.%d}%s", open, t / 100,
                            t % 100, h / 10, h % 10, 1000 + device, step % 10, want.with_ts ? "}" : "");
}

static void encode(Device *d, int step) {
    char body[MOST_PACKET], topic[128], rest[MOST_PACKET], *to = d->pool + (size_t)step * MOST_PACKET;
    size_t body_n = write_body(body, sizeof body, d->index, step), n = 0;
    const char *hole = strstr(want.topic, "%d");
    if (hole) snprintf(topic, sizeof topic, "%.*s%d%s", (int)(hole - want.topic), want.topic, d->index, hole + 2);
    else snprintf(topic, sizeof topic, "%s", want.topic);
    n = put_text(rest, topic, strlen(topic));
    size_t pid_at = n, body_at = n + (want.qos ? 2 : 0);
    if (want.qos) rest[n] = rest[n + 1] = 0;
    memcpy(rest + body_at, body, body_n);
    to[0] = (char)(0x30 | want.qos << 1);
    size_t head = 1 + put_length(to + 1, body_at + body_n);
    memcpy(to + head, rest, body_at + body_n);
    d->size = head + body_at + body_n;
    d->pid_at = head + pid_at;
    d->ts_at = head + body_at + strlen("{\"ts\":");
}

static void patch_digits(char *to, uint64_t number) {
    for (int i = 12; i >= 0; i--, number /= 10) to[i] = (char)('0' + number % 10);
}

/* ---- the journal of what was acknowledged: "connection ts" a line ---- */

static void flush_journal(void) {
    for (size_t done = 0; done < journal_len;) {
        ssize_t n = write(journal_fd, journal + done, journal_len - done);
        if (n < 0) fail("the journal cannot be written", strerror(errno));
        done += (size_t)n;
    }
    journal_len = 0;
}

static void note(int device, uint64_t ts) {
    if (sizeof journal - journal_len < 64) flush_journal();
    journal_len += (size_t)snprintf(journal + journal_len, 64, "%d %llu\n", device, (unsigned long long)ts);
}

/* ---- sending ---- */

static void lose(Device *d) {
    if (!d->open) return;
    close(d->fd);
    d->open = 0;
    lost++;
}

static int may_send(const Device *d) {
    if (!d->open || d->blocked) return 0;
    if (want.qos) return (int)d->in_flight < want.window && d->slots[(d->last_pid % 65535) % (uint32_t)want.window].at == 0;
    return d->pings < MOST_PINGS;
}

static void queue(Device *d) {
    if (d->queued || !may_send(d)) return;
    d->queued = 1;
    ready[(ready_at + ready_n++) % (size_t)want.connections] = d;
}

static void flush(Device *d) {
    while (d->open && d->out_done < d->out_len) {
        ssize_t n = write(d->fd, d->out + d->out_done, d->out_len - d->out_done);
        if (n > 0) d->out_done += (size_t)n;
        else if (errno == EAGAIN) { d->blocked = 1; return; }
        else if (errno != EINTR) { lose(d); return; }
    }
    d->blocked = 0;
    d->out_len = d->out_done = 0;
}

static void add_message(Device *d, uint64_t at) {
    char *to = d->out + d->out_len;
    uint64_t ts = want.from_ms + d->sent;
    memcpy(to, d->pool + (d->sent % POOL) * MOST_PACKET, d->size);
    if (want.with_ts) patch_digits(to + d->ts_at, ts);
    if (want.qos) {
        uint16_t pid = (uint16_t)(d->last_pid % 65535 + 1);
        d->slots[(uint32_t)(pid - 1) % (uint32_t)want.window] = (Slot){at, ts, pid};
        to[d->pid_at] = (char)(pid >> 8);
        to[d->pid_at + 1] = (char)pid;
        d->last_pid = pid;
        d->in_flight++;
    }
    d->out_len += d->size;
    d->sent++, d->unpinged++, sent++;
}

static void add_ping(Device *d) {
    memcpy(d->out + d->out_len, "\xc0\x00", 2);
    d->out_len += 2;
    d->pinged[d->pings++] = d->unpinged;
    d->unpinged = 0;
}

static void send_some(Device *d, uint64_t budget) {
    uint64_t at = now();
    for (int i = 0; i < want.burst && may_send(d) && budget--; i++) {
        add_message(d, at);
        if (!want.qos && d->unpinged >= chunk) add_ping(d);
    }
    flush(d);
    queue(d);
}

static uint64_t allowance(void) {
    if (want.rate <= 0) return UINT64_MAX;
    double due = want.rate * (double)(now() - started) / 1e9;
    return due > (double)sent ? (uint64_t)(due - (double)sent) : 0;
}

static void pump(void) {
    uint64_t budget = allowance();
    for (size_t n = ready_n; n && budget; n--) {
        Device *d = ready[ready_at];
        ready_at = (ready_at + 1) % (size_t)want.connections;
        ready_n--;
        d->queued = 0;
        uint64_t before = sent;
        send_some(d, budget);
        budget -= sent - before;
    }
}

/* ---- receiving ---- */

static void on_puback(Device *d, uint16_t pid, uint64_t at) {
    Slot *slot = &d->slots[(uint32_t)(pid - 1) % (uint32_t)want.window];
    if (slot->at == 0 || slot->pid != pid) fail("a PUBACK came for a packet that was not under way", "");
    uint64_t took = at - slot->at;
    if (measuring) {
        histogram[bucket_of(took)]++;
        if (took > slowest) slowest = took;
    }
    if (journal_fd >= 0) note(d->index, slot->ts);
    slot->at = 0;
    d->in_flight--;
    d->proved++, proved++;
}

static void on_pingresp(Device *d) {
    if (d->pings == 0) fail("a PINGRESP came that nobody had asked for", "");
    d->proved += d->pinged[0], proved += d->pinged[0];
    d->pings--;
    memmove(d->pinged, d->pinged + 1, sizeof d->pinged - sizeof d->pinged[0]);
}

/* Takes whole packets from the bytes, returns how many bytes were taken. */
static size_t understand(Device *d, const unsigned char *p, size_t n, uint64_t at) {
    size_t done = 0;
    while (n - done >= 2) {
        size_t length = p[done + 1]; /* nothing that is meant for us is longer than 127 bytes */
        if (n - done < 2 + length) break;
        if (p[done] == 0x40 && length >= 2) on_puback(d, (uint16_t)(p[done + 2] << 8 | p[done + 3]), at);
        else if (p[done] == 0xd0) on_pingresp(d);
        done += 2 + length;
    }
    return done;
}

static void receive(Device *d) {
    static unsigned char inbox[INBOX + 512];
    while (d->open) {
        memcpy(inbox, d->in, d->in_len);
        ssize_t n = read(d->fd, inbox + d->in_len, INBOX);
        if (n < 0 && errno == EAGAIN) return;
        if (n <= 0) { lose(d); return; }
        size_t have = d->in_len + (size_t)n, done = understand(d, inbox, have, now());
        d->in_len = have - done;
        memcpy(d->in, inbox + done, d->in_len);
        if (n < INBOX) return;
    }
}

/* ---- connecting ---- */

static void say_hello(Device *d, const char *token) {
    char packet[MOST_PACKET], body[MOST_PACKET], id[32];
    snprintf(id, sizeof id, "bench-%d", d->index);
    size_t n = put_text(body, "MQTT", 4);
    memcpy(body + n, "\x04\x82\x02\x58", 4); /* 3.1.1, user name, clean session, keep-alive 600 s */
    n += 4;
    n += put_text(body + n, id, strlen(id));
    n += put_text(body + n, token, strlen(token));
    packet[0] = 0x10;
    size_t head = 1 + put_length(packet + 1, n);
    memcpy(packet + head, body, n);
    if (write(d->fd, packet, head + n) != (ssize_t)(head + n)) fail("CONNECT could not be sent", strerror(errno));
}

static void join(Device *d, const char *token) {
    struct sockaddr_in to = {.sin_family = AF_INET, .sin_port = htons((uint16_t)want.port)};
    struct timeval patience = {.tv_sec = 30};
    int yes = 1;
    if (inet_pton(AF_INET, want.host, &to.sin_addr) != 1) fail("--host must be an IPv4 address", want.host);
    d->fd = socket(AF_INET, SOCK_STREAM, 0);
    if (d->fd < 0) fail("no more sockets; raise the limit on open files", strerror(errno));
    setsockopt(d->fd, IPPROTO_TCP, TCP_NODELAY, &yes, sizeof yes);
    setsockopt(d->fd, SOL_SOCKET, SO_RCVTIMEO, &patience, sizeof patience);
    if (connect(d->fd, (struct sockaddr *)&to, sizeof to) < 0) fail("the server cannot be reached", strerror(errno));
    say_hello(d, token);
}

static void be_welcomed(Device *d) {
    unsigned char answer[4];
    char detail[64];
    ssize_t n = recv(d->fd, answer, sizeof answer, MSG_WAITALL);
    snprintf(detail, sizeof detail, "connection %d, CONNACK code %d", d->index, n == 4 ? answer[3] : -1);
    if (n != 4 || answer[0] != 0x20 || answer[3] != 0) fail("the server refused", detail);
    fcntl(d->fd, F_SETFL, O_NONBLOCK);
    struct epoll_event what = {.events = EPOLLIN | EPOLLOUT | EPOLLET, .data.ptr = d};
    epoll_ctl(epoll_fd, EPOLL_CTL_ADD, d->fd, &what);
    d->open = 1;
}

static void prepare(Device *d, int index) {
    d->index = index;
    d->pool = room(POOL, MOST_PACKET);
    d->out = room((size_t)want.burst + 1, MOST_PACKET);
    d->slots = room((size_t)want.window, sizeof(Slot));
    for (int step = 0; step < POOL; step++) encode(d, step);
}

static void connect_all(void) {
    char token[256] = "bench";
    FILE *tokens = want.tokens ? fopen(want.tokens, "r") : NULL;
    if (want.tokens && !tokens) fail("the file of tokens cannot be read", want.tokens);
    for (int i = 0; i < want.connections; i++) {
        if (tokens && fscanf(tokens, "%255s", token) != 1) fail("there are fewer tokens than connections", want.tokens);
        prepare(&devices[i], i);
        join(&devices[i], token);
    }
    if (tokens) fclose(tokens);
    for (int i = 0; i < want.connections; i++) be_welcomed(&devices[i]);
}

/* ---- the run ---- */

/* A rate is kept by waking five times a millisecond: epoll's own timeout is too coarse. */
static void start_pacer(void) {
    struct itimerspec every = {{0, 200000}, {0, 200000}};
    struct epoll_event what = {.events = EPOLLIN, .data.ptr = NULL};
    pacer_fd = timerfd_create(CLOCK_MONOTONIC, TFD_NONBLOCK);
    timerfd_settime(pacer_fd, 0, &every, NULL);
    epoll_ctl(epoll_fd, EPOLL_CTL_ADD, pacer_fd, &what);
}

static void rearm_pacer(void) {
    uint64_t ticks;
    if (read(pacer_fd, &ticks, sizeof ticks) < 0 && errno != EAGAIN) fail("the pacing timer broke", strerror(errno));
}

static void turn(int timeout_ms) {
    struct epoll_event events[1024];
    int n = epoll_wait(epoll_fd, events, 1024, ready_n && want.rate <= 0 && sending ? 0 : timeout_ms);
    for (int i = 0; i < n; i++) {
        Device *d = events[i].data.ptr;
        if (d == NULL) { rearm_pacer(); continue; }
        if (events[i].events & (EPOLLIN | EPOLLHUP | EPOLLERR)) receive(d);
        if (d->blocked && events[i].events & EPOLLOUT) flush(d);
        if (sending) queue(d);
    }
    if (journal_len) flush_journal();
}

static void run_until(uint64_t deadline) {
    while (now() < deadline && lost < (uint64_t)want.connections) {
        pump();
        turn(10);
    }
}

static int settled(void) {
    for (int i = 0; i < want.connections; i++) {
        Device *d = &devices[i];
        if (!d->open) continue;
        if (!want.qos && d->unpinged && !d->blocked && d->pings < MOST_PINGS) {
            add_ping(d);
            flush(d);
        }
        if (d->out_len || d->in_flight || d->pings || (!want.qos && d->unpinged)) return 0;
    }
    return 1;
}

static void drain(void) {
    uint64_t deadline = now() + (uint64_t)(want.drain * 1e9);
    sending = 0;
    while (!settled() && now() < deadline) turn(10);
}


static void say(const char *word) {
    puts(word);
    fflush(stdout);
}

static void report(double seconds, double cpu, uint64_t measured) {
    printf("{\"connections\":%d,\"qos\":%d,\"window\":%d,\"seconds\":%.6f,\"messages\":%llu,\"per_second\":%.1f,"
           "\"sent\":%llu,\"proved\":%llu,\"lost_connections\":%llu,\"packet_bytes\":%zu,\"cpu_s\":%.4f,\"cpu_share\":%.4f,"
           "\"p50_us\":%.1f,\"p99_us\":%.1f,\"max_us\":%.1f,\"each\":[",
           want.connections, want.qos, want.window, seconds, (unsigned long long)measured, (double)measured / seconds,
           (unsigned long long)sent, (unsigned long long)proved, (unsigned long long)lost, devices[0].size, cpu,
           cpu / seconds, quantile_us(0.5), quantile_us(0.99), (double)slowest / 1e3);
    for (int i = 0; i < want.connections; i++) printf("%s%llu", i ? "," : "", (unsigned long long)devices[i].proved);
    printf("]}\n");
}

static void run(void) {
    started = now();
    for (int i = 0; i < want.connections; i++) queue(&devices[i]);
    run_until(started + (uint64_t)(want.warmup * 1e9));
    say("begin");
    uint64_t begun = now(), before = proved;
    double cpu = cpu_seconds();
    measuring = 1;
    run_until(begun + (uint64_t)(want.seconds * 1e9));
    measuring = 0;
    double seconds = (double)(now() - begun) / 1e9;
    uint64_t measured = proved - before;
    cpu = cpu_seconds() - cpu;
    say("end");
    drain();
    for (int i = 0; i < want.connections; i++)
        if (devices[i].open && write(devices[i].fd, "\xe0\x00", 2) != 2) lose(&devices[i]);
    report(seconds, cpu, measured);
}

/* ---- what was asked for ---- */

static const struct option OPTIONS[] = {
    {"host", 1, 0, 'h'},    {"port", 1, 0, 'p'},    {"tokens", 1, 0, 't'}, {"connections", 1, 0, 'n'},
    {"qos", 1, 0, 'q'},     {"window", 1, 0, 'w'},  {"burst", 1, 0, 'b'},  {"seconds", 1, 0, 's'},
    {"warmup", 1, 0, 'u'},  {"drain", 1, 0, 'd'},   {"rate", 1, 0, 'r'},   {"topic", 1, 0, 'o'},
    {"from-ms", 1, 0, 'f'}, {"journal", 1, 0, 'j'}, {0, 0, 0, 0},
};

static void read_options(int argc, char **argv) {
    for (int c; (c = getopt_long(argc, argv, "", OPTIONS, NULL)) != -1;) switch (c) {
        case 'h': want.host = optarg; break;
        case 'p': want.port = atoi(optarg); break;
        case 't': want.tokens = optarg; break;
        case 'n': want.connections = atoi(optarg); break;
        case 'q': want.qos = atoi(optarg); break;
        case 'w': want.window = atoi(optarg); break;
        case 'b': want.burst = atoi(optarg); break;
        case 's': want.seconds = atof(optarg); break;
        case 'u': want.warmup = atof(optarg); break;
        case 'd': want.drain = atof(optarg); break;
        case 'r': want.rate = atof(optarg); break;
        case 'o': want.topic = optarg; break;
        case 'f': want.from_ms = strtoull(optarg, NULL, 10), want.with_ts = 1; break;
        case 'j': want.journal = optarg; break;
        default: fail("unknown option; see bench/README.md", "");
        }
}

static void check_options(void) {
    if (want.port <= 0) fail("--port is needed", "");
    if (want.connections < 1 || want.connections > MOST_CONNECTIONS) fail("--connections goes from 1 to 12000", "");
    if (want.qos < 0 || want.qos > 1) fail("--qos is 0 or 1", "");
    if (want.window < 1 || want.window > MOST_WINDOW) fail("--window goes from 1 to 4096", "");
    if (want.journal && !(want.qos && want.with_ts)) fail("--journal needs --qos 1 and --from-ms", "");
    if (want.burst < 1) want.burst = want.qos ? want.window : want.connections >= 100 ? 8 : 64;
    chunk = 100000 / (uint64_t)want.connections;
    if (chunk < 16) chunk = 16;
}

int main(int argc, char **argv) {
    read_options(argc, argv);
    check_options();
    signal(SIGPIPE, SIG_IGN);
    struct rlimit files;
    getrlimit(RLIMIT_NOFILE, &files);
    files.rlim_cur = files.rlim_max;
    setrlimit(RLIMIT_NOFILE, &files);
    if (want.journal && (journal_fd = open(want.journal, O_WRONLY | O_CREAT | O_TRUNC, 0644)) < 0)
        fail("the journal cannot be opened", want.journal);
    epoll_fd = epoll_create1(0);
    devices = room((size_t)want.connections, sizeof(Device));
    ready = room((size_t)want.connections, sizeof(Device *));
    connect_all();
    if (want.rate > 0) start_pacer();
    run();
    return 0;
}
