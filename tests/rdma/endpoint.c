// Does with UCX what NIXL does when it starts, and then moves data: an endpoint to this process itself, or to a
// peer, an active message, a put and a get. The environment alone says which devices may carry that.
//
//     endpoint self              an endpoint to its own address
//     endpoint serve PORT        waits for a peer; addresses are exchanged over a TCP socket, data is not
//     endpoint connect HOST PORT
//
// `ENDPOINT_ERRORS=none` asks for no peer error handling, which NIXL always asks for. Exit status 0 says that every
// byte arrived. A line on stdout for each step; the failed step names UCX's own reason.
#define _GNU_SOURCE
#include <netdb.h>
#include <signal.h>
#include <stdarg.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <ucp/api/ucp.h>
#include <unistd.h>

enum { MESSAGE = 8 << 10, HALF = 256 << 10, MOST = 8 << 10, SECONDS = 15 };

// What a peer has to know of the other. Small enough for two to write theirs before either reads.
struct card {
    uint64_t memory, address_length, key_length;
    unsigned char address[MOST], key[MOST];
};

static const char *step;
static ucp_worker_h worker;
static int arrived, wrong, done;
static unsigned char theirs;

static void fail(const char *format, ...) {
    va_list values;
    va_start(values, format);
    printf("%s: failed: ", step);
    vprintf(format, values);
    puts("");
    _exit(1);
}

// UCX may wait for ever inside of a call, so the time of a step is not watched in a loop.
static void expired(int number) {
    (void)number;
    static const char text[] = ": failed: no end of it in time\n";
    _exit(write(1, step, strlen(step)) < 0 || write(1, text, sizeof text - 1) < 0 ? 3 : 1);
}

// Ends the step before.
static void begin(const char *name) {
    if (step) printf("%s: ok\n", step);
    step = name;
    alarm(SECONDS);
}

static void check(ucs_status_t status) {
    if (status != UCS_OK) fail("%s", ucs_status_string(status));
}

static void finish(ucs_status_ptr_t request) {
    if (request == NULL) return;
    if (UCS_PTR_IS_ERR(request)) check(UCS_PTR_STATUS(request));
    while (ucp_request_check_status(request) == UCS_INPROGRESS) ucp_worker_progress(worker);
    check(ucp_request_check_status(request));
    ucp_request_free(request);
}

// A different byte at every place and for every sender, so that what is lost, moved or not written shows.
static unsigned char expected(unsigned char sender, size_t at) { return (unsigned char)(sender + at * 31 + (at >> 8)); }

static void fill(unsigned char *memory, size_t length, unsigned char sender) {
    for (size_t at = 0; at < length; at++) memory[at] = expected(sender, at);
}

static int differs(const unsigned char *memory, size_t length, unsigned char sender) {
    for (size_t at = 0; at < length; at++)
        if (memory[at] != expected(sender, at)) return 1;
    return 0;
}

static ucs_status_t on_message(void *argument, const void *header, size_t header_length, void *data, size_t length,
                               const ucp_am_recv_param_t *param) {
    (void)argument, (void)header, (void)header_length, (void)param;
    wrong |= length != MESSAGE || differs(data, length, theirs);
    arrived++;
    return UCS_OK;
}

static void on_error(void *argument, ucp_ep_h endpoint, ucs_status_t status) {
    (void)argument, (void)endpoint;
    // The peer may leave first.
    if (done) return;
    fail("the endpoint broke: %s", ucs_status_string(status));
}

// NIXL sets these where the environment does not.
static void set_unless_told(ucp_config_t *config, const char *name, const char *value) {
    char variable[64];
    snprintf(variable, sizeof variable, "UCX_%s", name);
    if (getenv(variable) == NULL) check(ucp_config_modify(config, name, value));
}

static int tcp(const char *host, const char *port) {
    struct addrinfo hints = {.ai_family = AF_INET, .ai_socktype = SOCK_STREAM, .ai_flags = host ? 0 : AI_PASSIVE};
    struct addrinfo *found;
    if (getaddrinfo(host, port, &hints, &found) != 0) fail("no address for port %s", port);
    for (;; usleep(200000)) {
        int one = socket(found->ai_family, found->ai_socktype, 0), on = 1;
        setsockopt(one, SOL_SOCKET, SO_REUSEADDR, &on, sizeof on);
        if (host && connect(one, found->ai_addr, found->ai_addrlen) == 0) return one;
        if (!host && bind(one, found->ai_addr, found->ai_addrlen) == 0 && listen(one, 1) == 0)
            return accept(one, NULL, NULL);
        close(one);
    }
}

static void exchange(int socket, const struct card *ours, struct card *other) {
    if (write(socket, ours, sizeof *ours) != (ssize_t)sizeof *ours) fail("the socket took no card");
    if (recv(socket, other, sizeof *other, MSG_WAITALL) != (ssize_t)sizeof *other) fail("the peer sent no card");
}

// Until the other side is here too; it may need this side's progress for that.
static void meet(int socket) {
    char byte = 0;
    if (socket < 0) return;
    if (send(socket, &byte, 1, MSG_NOSIGNAL) != 1) fail("the peer is gone");
    for (;;) {
        ssize_t got = recv(socket, &byte, 1, MSG_DONTWAIT);
        if (got == 1) return;
        if (got == 0) fail("the peer is gone");
        ucp_worker_progress(worker);
    }
}

// One `lane:` line for each transport and device that the endpoint uses.
static void print_lanes(ucp_ep_h endpoint) {
    char *text = NULL;
    size_t length = 0;
    FILE *file = open_memstream(&text, &length);
    ucp_ep_print_info(endpoint, file);
    fclose(file);
    for (char *line = strtok(text, "\n"); line; line = strtok(NULL, "\n")) {
        char *lane = strstr(line, "lane[");
        if (lane) printf("lane: %s\n", lane);
    }
    free(text);
}

int main(int count, char **words) {
    const char *mode = count > 1 ? words[1] : "";
    int self = !strcmp(mode, "self") && count == 2, serve = !strcmp(mode, "serve") && count == 3;
    if (!self && !serve && !(!strcmp(mode, "connect") && count == 4)) {
        fprintf(stderr, "usage: endpoint self | serve PORT | connect HOST PORT\n");
        return 64;
    }
    unsigned char we = self ? 1 : serve ? 2 : 3;
    theirs = self ? 1 : 5 - we;
    setvbuf(stdout, NULL, _IOLBF, 0);
    signal(SIGALRM, expired);
    printf("ucx: %s\n", ucp_get_version_string());

    begin("context");
    ucp_config_t *config;
    check(ucp_config_read(NULL, NULL, &config));
    set_unless_told(config, "RNDV_THRESH", "inf");
    set_unless_told(config, "MAX_RMA_RAILS", "2");
    ucp_params_t params = {.field_mask = UCP_PARAM_FIELD_FEATURES | UCP_PARAM_FIELD_MT_WORKERS_SHARED,
                           .features = UCP_FEATURE_RMA | UCP_FEATURE_AMO32 | UCP_FEATURE_AMO64 | UCP_FEATURE_AM |
                                       UCP_FEATURE_WAKEUP};
    ucp_context_h context;
    check(ucp_init(&params, config, &context));
    ucp_config_release(config);

    begin("worker");
    ucp_worker_params_t worker_params = {.field_mask = UCP_WORKER_PARAM_FIELD_THREAD_MODE,
                                         .thread_mode = UCS_THREAD_MODE_MULTI};
    check(ucp_worker_create(context, &worker_params, &worker));
    ucp_am_handler_param_t handler = {.field_mask = UCP_AM_HANDLER_PARAM_FIELD_ID | UCP_AM_HANDLER_PARAM_FIELD_CB,
                                      .id = 0, .cb = on_message};
    check(ucp_worker_set_am_recv_handler(worker, &handler));

    begin("memory");
    unsigned char *memory = aligned_alloc(4096, 2 * HALF);
    memset(memory, 0, HALF);
    fill(memory + HALF, HALF, we);
    ucp_mem_map_params_t map = {.field_mask = UCP_MEM_MAP_PARAM_FIELD_ADDRESS | UCP_MEM_MAP_PARAM_FIELD_LENGTH,
                                .address = memory, .length = 2 * HALF};
    ucp_mem_h region;
    check(ucp_mem_map(context, &map, &region));

    begin("addresses");
    static struct card ours, other;
    void *key;
    ucp_address_t *address;
    size_t address_length, key_length;
    check(ucp_worker_get_address(worker, &address, &address_length));
    check(ucp_rkey_pack(context, region, &key, &key_length));
    if (address_length > MOST || key_length > MOST) fail("%zu and %zu bytes", address_length, key_length);
    ours = (struct card){(uintptr_t)memory, address_length, key_length, {0}, {0}};
    memcpy(ours.address, address, address_length);
    memcpy(ours.key, key, key_length);

    begin("peer");
    // It may still be starting.
    alarm(16 * SECONDS);
    int socket = self ? -1 : serve ? tcp(NULL, words[2]) : tcp(words[2], words[3]);
    if (self) other = ours;
    else exchange(socket, &ours, &other);

    begin("endpoint");
    const char *errors = getenv("ENDPOINT_ERRORS");
    int none = errors && !strcmp(errors, "none");
    ucp_ep_params_t ep = {.field_mask = UCP_EP_PARAM_FIELD_REMOTE_ADDRESS | UCP_EP_PARAM_FIELD_ERR_HANDLING_MODE |
                                        UCP_EP_PARAM_FIELD_ERR_HANDLER,
                          .address = (const ucp_address_t *)other.address,
                          .err_mode = none ? UCP_ERR_HANDLING_MODE_NONE : UCP_ERR_HANDLING_MODE_PEER,
                          .err_handler = {.cb = on_error}};
    ucp_ep_h endpoint;
    ucp_rkey_h remote;
    check(ucp_ep_create(worker, &ep, &endpoint));
    check(ucp_ep_rkey_unpack(endpoint, other.key, &remote));

    begin("message");
    static unsigned char message[MESSAGE];
    fill(message, MESSAGE, we);
    ucp_request_param_t plain = {0};
    finish(ucp_am_send_nbx(endpoint, 0, NULL, 0, message, MESSAGE, &plain));
    while (arrived < 1) ucp_worker_progress(worker);
    if (wrong) fail("other bytes arrived than were sent");

    // Only now: before the first message, a lane may still be the one that connects.
    begin("lanes");
    print_lanes(endpoint);

    begin("put");
    finish(ucp_put_nbx(endpoint, memory + HALF, HALF, other.memory, remote, &plain));
    finish(ucp_ep_flush_nbx(endpoint, &plain));
    meet(socket);
    if (differs(memory, HALF, theirs)) fail("other bytes arrived than were put");

    begin("get");
    static unsigned char copy[HALF];
    finish(ucp_get_nbx(endpoint, copy, HALF, other.memory + HALF, remote, &plain));
    if (differs(copy, HALF, theirs)) fail("other bytes were read than are there");
    done = 1;
    meet(socket);
    begin(NULL);
    // No tidying up: that takes both sides, and nothing is proven by it.
    _exit(0);
}
