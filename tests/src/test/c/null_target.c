/*
 * A target without storage: reads are zeros from one static buffer, writes are received and
 * dropped. One thread, one epoll loop, any number of sessions of one connection. Nothing is
 * checked, no digest, no recovery. What it reaches is the most that a target on sockets can reach
 * on this machine: the yardstick of tests/bench.
 *
 * With a file it is the barest target that stores: what is read and written goes through pread and
 * pwrite on it, nothing else. What any target of that kind can reach that copies as they do.
 *
 * usage: null_target PORT GIB [FILE]
 * Listens on 127.0.0.1, answers to every target name and LUN, prints "ready" and runs until SIGTERM.
 */
#define _GNU_SOURCE
#include <arpa/inet.h>
#include <errno.h>
#include <fcntl.h>
#include <netinet/tcp.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/epoll.h>
#include <sys/socket.h>
#include <sys/uio.h>
#include <unistd.h>

enum {
    HEADER = 48,
    BLOCK = 512,
    SEGMENT = 256 << 10,      /* MaxRecvDataSegmentLength, FirstBurstLength */
    BURST = 1 << 20,          /* MaxBurstLength */
    WINDOW = 128,
    INPUT = 1 << 20,
    PIECES = 2048,            /* under way: two for each Data-In PDU, one for any other */
    WRITTEN = 1024,           /* of them by one writev */
    HEADERS = PIECES * 64,    /* bytes for headers and small answers under way */
    PDUS = 256,               /* the most that one command may be answered by */
    COMMAND_BYTES = 1 << 20,  /* the most that one command reads of a file */
    FETCHED = 16 << 20        /* bytes read of it under way */
};

/* RFC 7143 11.2.1.2 Opcode. */
enum {
    NOP_OUT = 0x00, COMMAND = 0x01, TASK_REQUEST = 0x02, LOGIN = 0x03, TEXT = 0x04, DATA_OUT = 0x05,
    LOGOUT = 0x06, NOP_IN = 0x20, RESPONSE = 0x21, TASK_RESPONSE = 0x22, LOGIN_RESPONSE = 0x23,
    TEXT_RESPONSE = 0x24, DATA_IN = 0x25, LOGOUT_RESPONSE = 0x26, R2T = 0x31
};

/* A write whose data has not come in whole. */
struct task {
    uint32_t tag, expected, received, sequence;
    uint64_t offset;
    int alive;
};

struct connection {
    int fd, blocked, closing;
    uint8_t header[HEADER];   /* of the PDU whose data is being dropped */
    uint32_t to_drop;
    uint64_t offset;          /* in the file, of what is dropped next */
    int dropping, storing;
    uint8_t *input;
    uint32_t from, to;
    uint32_t status_number, expected_command, segment;
    struct task tasks[WINDOW];
    struct iovec pieces[PIECES];
    int first, count;
    uint8_t headers[HEADERS];
    uint32_t used, fetched;
    uint8_t *data;            /* read of the file */
};

static uint8_t zeros[SEGMENT];
static uint64_t blocks;
static int file = -1;

static uint32_t get32(const uint8_t *at)
{
    uint32_t value;
    memcpy(&value, at, 4);
    return ntohl(value);
}

static void put32(uint8_t *at, uint32_t value)
{
    value = htonl(value);
    memcpy(at, &value, 4);
}

static uint64_t get64(const uint8_t *at)
{
    return (uint64_t)get32(at) << 32 | get32(at + 4);
}

static uint32_t data_length(const uint8_t *pdu)
{
    return pdu[5] << 16 | pdu[6] << 8 | pdu[7];
}

static uint32_t padded(uint32_t length)
{
    return (length + 3) & ~3u;
}

static void piece(struct connection *c, const void *bytes, uint32_t length)
{
    c->pieces[c->count++] = (struct iovec){(void *)bytes, length};
}

/* Room for a PDU of our own making, zeroed; queued with `length` bytes by `answer`. */
static uint8_t *room(struct connection *c)
{
    uint8_t *at = c->headers + c->used;
    memset(at, 0, HEADER);
    return at;
}

static void answer(struct connection *c, uint8_t *pdu, uint32_t data, int status)
{
    pdu[5] = data >> 16;
    pdu[6] = data >> 8;
    pdu[7] = data;
    put32(pdu + 24, c->status_number);
    c->status_number += status;
    put32(pdu + 28, c->expected_command);
    put32(pdu + 32, c->expected_command + WINDOW - 1);
    c->used += HEADER + padded(data);
    piece(c, pdu, HEADER + padded(data));
}

static int has_room(const struct connection *c)
{
    return c->count + 2 * PDUS <= PIECES && c->used + 64 * PDUS <= HEADERS
        && c->fetched + COMMAND_BYTES <= FETCHED;
}

static void flush(struct connection *c)
{
    while (c->first < c->count) {
        int pieces = c->count - c->first < WRITTEN ? c->count - c->first : WRITTEN;
        ssize_t sent = writev(c->fd, c->pieces + c->first, pieces);
        if (sent < 0) {
            c->blocked = errno == EAGAIN;
            c->closing |= !c->blocked;
            return;
        }
        for (; c->first < c->count && (size_t)sent >= c->pieces[c->first].iov_len; c->first++)
            sent -= c->pieces[c->first].iov_len;
        if (sent > 0) {
            c->pieces[c->first].iov_base = (uint8_t *)c->pieces[c->first].iov_base + sent;
            c->pieces[c->first].iov_len -= sent;
        }
    }
    c->blocked = c->first = c->count = c->used = c->fetched = 0;
}

/* ---- SCSI */

static void respond(struct connection *c, uint32_t tag, int status)
{
    uint8_t *pdu = room(c);
    uint32_t data = 0;
    pdu[0] = RESPONSE;
    pdu[1] = 0x80;
    pdu[3] = status;
    memcpy(pdu + 16, &tag, 4);
    if (status) { /* CHECK CONDITION: ILLEGAL REQUEST, INVALID COMMAND OPERATION CODE */
        static const uint8_t sense[20] = {0, 18, 0x70, 0, 5, 0, 0, 0, 0, 10, 0, 0, 0, 0, 0x20};
        memcpy(pdu + HEADER, sense, data = sizeof sense);
    }
    answer(c, pdu, data, 1);
}

/* Where a READ or WRITE begins. */
static uint64_t place(const uint8_t *cdb)
{
    return (cdb[0] & 0x80 ? get64(cdb + 2) : get32(cdb + 2)) * BLOCK;
}

/* Data-In PDUs, the last with the status. */
static void send_data(struct connection *c, const uint8_t *command, const uint8_t *data,
    uint32_t length)
{
    uint32_t tag, expected = get32(command + 20), sequence = 0;
    memcpy(&tag, command + 16, 4);
    if (length > expected)
        length = expected;
    if (length == 0) {
        respond(c, tag, 0);
        return;
    }
    if (length / c->segment >= PDUS || (file >= 0 && length > COMMAND_BYTES)) {
        c->closing = 1;
        return;
    }
    for (uint32_t done = 0, part; done < length; done += part) {
        part = length - done < c->segment ? length - done : c->segment;
        int last = done + part == length;
        uint8_t *pdu = room(c);
        pdu[0] = DATA_IN;
        pdu[1] = last ? 0x81 | (expected > length ? 2 : 0) : (done + part) % BURST ? 0 : 0x80;
        memcpy(pdu + 16, &tag, 4);
        put32(pdu + 20, 0xffffffff);
        put32(pdu + 36, sequence++);
        put32(pdu + 40, done);
        put32(pdu + 44, last ? expected - length : 0);
        answer(c, pdu, 0, last);
        pdu[5] = part >> 16;
        pdu[6] = part >> 8;
        pdu[7] = part;
        if (data == zeros && file >= 0) {
            uint8_t *to = c->data + c->fetched;
            c->closing |= pread(file, to, part, place(command + 32) + done) != part;
            c->fetched += padded(part);
            piece(c, to, padded(part));
        } else if (data == zeros) {
            piece(c, zeros, padded(part));
        } else {
            memcpy(pdu + HEADER, data + done, part);
            memset(pdu + HEADER + part, 0, padded(part) - part);
            c->used += padded(part);
            c->pieces[c->count - 1].iov_len += padded(part);
        }
    }
}

static void inquire(struct connection *c, const uint8_t *pdu)
{
    static const uint8_t standard[36] = "\0\0\6\2\37\0\0\2NULL    TARGET          1   ";
    static const uint8_t pages[] = {0, 0, 0, 3, 0x00, 0x80, 0x83};
    static const uint8_t serial[] = {0, 0x80, 0, 4, 'N', 'U', 'L', 'L'};
    static const uint8_t identity[] = {0, 0x83, 0, 12, 2, 1, 0, 8, 'N', 'U', 'L', 'L', ' ', ' ', ' ', ' '};
    const uint8_t *cdb = pdu + 32;
    uint32_t tag, room_for = cdb[3] << 8 | cdb[4];
    const uint8_t *data = standard;
    uint32_t length = sizeof standard;
    if (cdb[1] & 1) {
        switch (cdb[2]) {
        case 0x00: data = pages; length = sizeof pages; break;
        case 0x80: data = serial; length = sizeof serial; break;
        case 0x83: data = identity; length = sizeof identity; break;
        default: memcpy(&tag, pdu + 16, 4); respond(c, tag, 2); return;
        }
    }
    send_data(c, pdu, data, length < room_for ? length : room_for);
}

static void write_data(struct connection *c, const uint8_t *pdu)
{
    uint32_t tag, expected = get32(pdu + 20), length = data_length(pdu);
    memcpy(&tag, pdu + 16, 4);
    if (length >= expected) {
        respond(c, tag, 0);
        return;
    }
    for (int i = 0; i < WINDOW; i++) {
        if (!c->tasks[i].alive) {
            c->tasks[i] = (struct task){tag, expected, length, 0, place(pdu + 32), 1};
            return;
        }
    }
    c->closing = 1;
}

/* Asks for the next burst of a write that has had all it was promised. */
static void request(struct connection *c, struct task *task)
{
    uint32_t rest = task->expected - task->received;
    uint8_t *pdu = room(c);
    pdu[0] = R2T;
    pdu[1] = 0x80;
    memcpy(pdu + 16, &task->tag, 4);
    put32(pdu + 20, task - c->tasks);
    put32(pdu + 36, task->sequence++);
    put32(pdu + 40, task->received);
    put32(pdu + 44, rest < BURST ? rest : BURST);
    answer(c, pdu, 0, 0);
}

static void take_data(struct connection *c, uint32_t tag, uint32_t length, int final)
{
    for (int i = 0; i < WINDOW; i++) {
        struct task *task = c->tasks + i;
        if (!task->alive || task->tag != tag)
            continue;
        task->received += length;
        if (task->received >= task->expected) {
            task->alive = 0;
            respond(c, tag, 0);
        } else if (final) {
            request(c, task);
        }
        return;
    }
}

static void execute(struct connection *c, const uint8_t *pdu)
{
    static const uint8_t luns[16] = {0, 0, 0, 8};
    static const uint8_t mode[8] = {0, 6};
    const uint8_t *cdb = pdu + 32;
    uint8_t capacity[32] = {0};
    uint32_t tag;
    memcpy(&tag, pdu + 16, 4);
    if (!(pdu[0] & 0x40))
        c->expected_command++;
    switch (cdb[0]) {
    case 0x28: send_data(c, pdu, zeros, (cdb[7] << 8 | cdb[8]) * BLOCK); break;
    case 0x88: send_data(c, pdu, zeros, get32(cdb + 10) * BLOCK); break;
    case 0x2a: case 0x8a:
        write_data(c, pdu);
        if (pdu[1] & 0x80) /* No unsolicited data: the rest is asked for. */
            take_data(c, tag, 0, 1);
        break;
    case 0x00: case 0x35: case 0x91: respond(c, tag, 0); break;
    case 0x12: inquire(c, pdu); break;
    case 0x25:
        put32(capacity, blocks - 1 > 0xffffffff ? 0xffffffff : blocks - 1);
        put32(capacity + 4, BLOCK);
        send_data(c, pdu, capacity, 8);
        break;
    case 0x9e:
        put32(capacity, (blocks - 1) >> 32);
        put32(capacity + 4, blocks - 1);
        put32(capacity + 8, BLOCK);
        send_data(c, pdu, capacity, 32);
        break;
    case 0x1a: send_data(c, pdu, (const uint8_t[4]){3}, 4); break;
    case 0x5a: send_data(c, pdu, mode, 8); break;
    case 0xa0: send_data(c, pdu, luns, 16); break;
    default: respond(c, tag, 2);
    }
}

/* ---- iSCSI */

static void log_in(struct connection *c, const uint8_t *pdu, const char *keys, uint32_t length)
{
    static const char offer[] =
        "TargetPortalGroupTag=1\0HeaderDigest=None\0DataDigest=None\0InitialR2T=No\0"
        "ImmediateData=Yes\0MaxRecvDataSegmentLength=262144\0MaxBurstLength=1048576\0"
        "FirstBurstLength=262144\0MaxOutstandingR2T=1\0MaxConnections=1\0ErrorRecoveryLevel=0\0"
        "DefaultTime2Wait=2\0DefaultTime2Retain=0\0DataPDUInOrder=Yes\0DataSequenceInOrder=Yes";
    static const char segment[] = "MaxRecvDataSegmentLength=";
    int operational = (pdu[1] >> 2 & 3) == 1 || (pdu[1] & 3) == 3;
    for (uint32_t at = 0; at < length; at += strnlen(keys + at, length - at) + 1)
        if (length - at > sizeof segment && !strncmp(keys + at, segment, sizeof segment - 1))
            c->segment = strtoul(keys + at + sizeof segment - 1, NULL, 10);
    if (c->segment > SEGMENT)
        c->segment = SEGMENT;
    uint8_t *reply = room(c);
    reply[0] = LOGIN_RESPONSE;
    reply[1] = pdu[1];
    memcpy(reply + 8, pdu + 8, 12);
    if ((pdu[1] & 3) == 3)
        reply[15] = 1;
    c->expected_command = get32(pdu + 24);
    uint32_t data = operational ? sizeof offer : sizeof "AuthMethod=None";
    memcpy(reply + HEADER, operational ? offer : "AuthMethod=None", data);
    memset(reply + HEADER + data, 0, padded(data) - data);
    answer(c, reply, data, 1);
}

/* A PDU whose data, if any, has been dropped, and for LOGIN lies behind it. */
static void receive(struct connection *c, const uint8_t *pdu)
{
    uint8_t *reply;
    uint32_t tag;
    memcpy(&tag, pdu + 16, 4);
    switch (pdu[0] & 0x3f) {
    case COMMAND: execute(c, pdu); return;
    case DATA_OUT: take_data(c, tag, data_length(pdu), pdu[1] & 0x80); return;
    case LOGIN: log_in(c, pdu, (const char *)pdu + HEADER, data_length(pdu)); return;
    case NOP_OUT:
        if (tag == 0xffffffff)
            return;
        reply = room(c);
        reply[0] = NOP_IN;
        put32(reply + 20, 0xffffffff);
        break;
    case TASK_REQUEST: reply = room(c); reply[0] = TASK_RESPONSE; break;
    case TEXT: reply = room(c); reply[0] = TEXT_RESPONSE; put32(reply + 20, 0xffffffff); break;
    case LOGOUT: reply = room(c); reply[0] = LOGOUT_RESPONSE; break;
    default: c->closing = 1; return;
    }
    reply[1] = 0x80;
    memcpy(reply + 16, &tag, 4);
    if (!(pdu[0] & 0x40))
        c->expected_command++;
    answer(c, reply, 0, 1);
}

/* Where the data of a PDU goes in the file. */
static void find_place(struct connection *c, const uint8_t *pdu)
{
    uint32_t tag;
    memcpy(&tag, pdu + 16, 4);
    c->storing = 0;
    if (file < 0 || data_length(pdu) == 0)
        return;
    if ((pdu[0] & 0x3f) == COMMAND) {
        c->storing = 1;
        c->offset = place(pdu + 32);
    }
    for (int i = 0; (pdu[0] & 0x3f) == DATA_OUT && i < WINDOW; i++) {
        if (c->tasks[i].alive && c->tasks[i].tag == tag) {
            c->storing = 1;
            c->offset = c->tasks[i].offset + get32(pdu + 40);
        }
    }
}

/* Works through the input; stops when the output is full, or at the beginning of a PDU. */
static void work(struct connection *c)
{
    while (!c->closing && has_room(c)) {
        uint32_t have = c->to - c->from;
        if (c->dropping) {
            uint32_t drop = have < c->to_drop ? have : c->to_drop;
            if (c->storing && pwrite(file, c->input + c->from, drop, c->offset) != drop)
                c->closing = 1;
            c->offset += drop;
            c->from += drop;
            c->to_drop -= drop;
            if (c->to_drop > 0)
                return;
            c->dropping = 0;
            receive(c, c->header);
            continue;
        }
        if (have < HEADER)
            return;
        const uint8_t *pdu = c->input + c->from;
        uint32_t data = pdu[4] * 4 + padded(data_length(pdu));
        if ((pdu[0] & 0x3f) == LOGIN) {
            if (have < HEADER + data)
                return;
            c->from += HEADER + data;
            receive(c, pdu);
        } else {
            memcpy(c->header, pdu, HEADER);
            c->from += HEADER;
            c->to_drop = data;
            c->dropping = 1;
            find_place(c, pdu);
        }
    }
}

static void ready(struct connection *c, uint32_t events)
{
    if (events & EPOLLOUT)
        flush(c);
    while (!c->closing && !c->blocked) {
        work(c);
        int stopped = !has_room(c);
        flush(c);
        if (stopped)
            continue;
        memmove(c->input, c->input + c->from, c->to - c->from);
        c->to -= c->from;
        c->from = 0;
        ssize_t got = read(c->fd, c->input + c->to, INPUT - c->to);
        if (got < 0 && errno == EAGAIN)
            return;
        c->closing |= got <= 0;
        c->to += got > 0 ? got : 0;
    }
}

static void serve(int poll, struct connection *c, uint32_t events)
{
    int blocked = c->blocked;
    ready(c, events);
    if (c->closing) {
        close(c->fd);
        free(c->input);
        free(c->data);
        free(c);
    } else if (c->blocked != blocked) {
        struct epoll_event want = {EPOLLIN | (c->blocked ? EPOLLOUT : 0), {.ptr = c}};
        epoll_ctl(poll, EPOLL_CTL_MOD, c->fd, &want);
    }
}

static void welcome(int poll, int listener)
{
    int fd, one = 1;
    while ((fd = accept4(listener, NULL, NULL, SOCK_NONBLOCK)) >= 0) {
        struct connection *c = calloc(1, sizeof *c);
        setsockopt(fd, IPPROTO_TCP, TCP_NODELAY, &one, sizeof one);
        c->fd = fd;
        c->segment = 8192;
        c->input = malloc(INPUT);
        c->data = malloc(FETCHED);
        struct epoll_event want = {EPOLLIN, {.ptr = c}};
        epoll_ctl(poll, EPOLL_CTL_ADD, fd, &want);
    }
}

int main(int count, char **arguments)
{
    if (count != 3 && count != 4) {
        fprintf(stderr, "usage: null_target PORT GIB [FILE]\n");
        return 2;
    }
    if (count == 4 && (file = open(arguments[3], O_RDWR)) < 0) {
        perror(arguments[3]);
        return 1;
    }
    blocks = strtoull(arguments[2], NULL, 10) << 21;
    int listener = socket(AF_INET, SOCK_STREAM | SOCK_NONBLOCK, 0), one = 1;
    struct sockaddr_in address = {AF_INET, htons(atoi(arguments[1])), {htonl(INADDR_LOOPBACK)}, {0}};
    setsockopt(listener, SOL_SOCKET, SO_REUSEADDR, &one, sizeof one);
    if (bind(listener, (struct sockaddr *)&address, sizeof address) || listen(listener, 1024)) {
        perror("null_target");
        return 1;
    }
    int poll = epoll_create1(0);
    struct epoll_event want = {EPOLLIN, {.ptr = NULL}}, events[64];
    epoll_ctl(poll, EPOLL_CTL_ADD, listener, &want);
    puts("ready");
    fflush(stdout);
    for (;;) {
        int ready_count = epoll_wait(poll, events, 64, -1);
        for (int i = 0; i < ready_count; i++) {
            if (events[i].data.ptr)
                serve(poll, events[i].data.ptr, events[i].events);
            else
                welcome(poll, listener);
        }
    }
}
