/* Noise, damaged frames and sound frames, by a seed, into the reader and a board: fuzz SEED CHUNKS.
 *
 * Ends with 0 and a line of counts, or by abort() where a rule is broken. The sanitizers watch memory and arithmetic. */
#include "luna_board.h"

#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#define RULE(holds) ((holds) ? (void)0 : broken(#holds, __LINE__))

static uint64_t state;
static const struct luna_limits CAPS = {500, 2000, 1000, 4000, 1500, 6000};

static void broken(const char *rule, int line)
{
    fprintf(stderr, "line %d: not %s\n", line, rule);
    abort();
}

/* xorshift64*: the same numbers everywhere. */
static uint32_t chance(void *context)
{
    (void)context;
    state ^= state >> 12;
    state ^= state << 25;
    state ^= state >> 27;
    return (uint32_t)((state * UINT64_C(2685821657736338717)) >> 32);
}

static uint32_t below(uint32_t limit) { return chance(NULL) % limit; }

static struct luna_message command(const struct luna_board *board, uint32_t now_ms)
{
    static uint32_t sequence;
    struct luna_message message;

    memset(&message, 0, sizeof message);
    message.header.type = (uint8_t)(below(20) == 0 ? below(256) : below(LUNA_LIMITS) + 1);
    if (message.header.type == LUNA_HELLO && below(20) != 0)
        message.header.type = LUNA_MOTION;
    message.header.ttl_ms = (uint16_t)(below(4) * 100);
    message.header.session = below(20) == 0 ? chance(NULL) : board->session;
    message.header.sequence = sequence += below(10) == 0 ? 0 : 1;
    message.header.stamp_ms = now_ms - below(250);
    for (size_t i = 0; i < sizeof message.body; i++)
        ((uint8_t *)&message.body)[i] = (uint8_t)below(256);
    if (message.header.type == LUNA_MOTION && below(10) != 0) {
        message.body.motion.linear_mm_s = (int16_t)((int)below(1100) - 550);
        message.body.motion.angular_mrad_s = (int16_t)((int)below(4400) - 2200);
    }
    if (message.header.type == LUNA_STOP)
        message.body.stop.kind = (uint8_t)below(4);
    if (message.header.type == LUNA_CLEAR)
        message.body.clear.latch = board->latch;
    return message;
}

static size_t noise(uint8_t *bytes, size_t room)
{
    const size_t length = below((uint32_t)room + 1);
    for (size_t i = 0; i < length; i++)
        bytes[i] = (uint8_t)(below(8) == 0 ? 0 : below(256));
    return length;
}

static size_t chunk(const struct luna_board *board, uint32_t now_ms, uint8_t *bytes, size_t room)
{
    if (below(5) == 0)
        return noise(bytes, room);
    const struct luna_message message = command(board, now_ms);
    size_t length = luna_encode(&message, bytes);
    if (length > 0 && below(10) == 0)
        bytes[below((uint32_t)length)] ^= (uint8_t)(1u << below(8));
    if (length > 0 && below(20) == 0)
        length = below((uint32_t)length);
    return length;
}

/* What was read is written with the same bytes again. */
static unsigned long read_all(struct luna_reader *reader, const uint8_t *bytes, size_t length)
{
    static uint8_t since_zero[LUNA_LINE_MAX];
    static size_t kept;
    unsigned long taken = 0;

    for (size_t i = 0; i < length; i++) {
        struct luna_message message;
        uint8_t again[LUNA_LINE_MAX];
        if (kept < sizeof since_zero)
            since_zero[kept++] = bytes[i];
        const enum luna_decoded decoded = luna_read(reader, bytes[i], &message);
        RULE(reader->length <= LUNA_COBS_MAX);
        if (decoded == LUNA_MESSAGE) {
            RULE(luna_encode(&message, again) == kept && memcmp(again, since_zero, kept) == 0);
            taken++;
        }
        if (bytes[i] == 0)
            kept = 0;
    }
    return taken;
}

static uint32_t size_of(int32_t value) { return (uint32_t)(value < 0 ? -value : value); }

static void check(const struct luna_board *board, const struct luna_velocity *velocity)
{
    const struct luna_motion target = luna_board_target(board);
    const bool wants = target.linear_mm_s != 0 || target.angular_mrad_s != 0;

    RULE(size_of(velocity->linear_um_s) <= CAPS.speed_mm_s * 1000u);
    RULE(size_of(velocity->angular_urad_s) <= CAPS.turn_mrad_s * 1000u);
    RULE(!wants || (board->session != 0 && board->causes == 0 && board->active == 0));
    RULE(luna_within(&board->limits, &target));
    RULE(board->limits.braking_mm_s2 >= CAPS.braking_mm_s2 / 2);
}

/* From a block of exactly this size, so that the sanitizer sees a byte read beyond it. */
static void receive(struct luna_board *board, const uint8_t *bytes, size_t length, uint32_t now_ms,
                    struct luna_sink *sink)
{
    uint8_t *alone = malloc(length + 1);
    if (alone == NULL)
        exit(3);
    memcpy(alone + 1, bytes, length);
    luna_board_receive(board, alone + 1, length, now_ms, sink);
    free(alone);
}

int main(int arguments, char **argument)
{
    static struct luna_board board;
    static struct luna_reader reader;
    const struct luna_build build = {0x0100, CAPS, 21000, 22000, chance, NULL};
    struct luna_sensors sensors;
    unsigned long taken = 0, moved = 0;
    uint32_t now_ms = UINT32_MAX - 100000u; /* the clock comes round in the run */

    if (arguments != 3)
        return 2;
    state = strtoull(argument[1], NULL, 10) * 2 + 1;
    const unsigned long chunks = strtoul(argument[2], NULL, 10);
    memset(&sensors, 0, sizeof sensors);
    luna_board_boot(&board, &build, now_ms);
    for (unsigned long i = 0; i < chunks; i++) {
        uint8_t bytes[150], output[256];
        struct luna_sink sink = {output, below(sizeof output + 1), 0};
        const size_t length = chunk(&board, now_ms, bytes, sizeof bytes);
        taken += read_all(&reader, bytes, length);
        receive(&board, bytes, length, now_ms, &sink);
        now_ms += below(15);
        sensors.pressed = (uint16_t)(below(200) == 0 ? below(65536) : 0);
        sensors.tilt.roll_mrad = (int16_t)(below(200) == 0 ? (int)below(65536) - 32768 : 0);
        const struct luna_velocity velocity = luna_board_tick(&board, &sensors, now_ms, &sink);
        RULE(sink.length <= sink.room);
        check(&board, &velocity);
        moved += velocity.linear_um_s != 0;
    }
    printf("%lu chunks, %lu messages, moving in %lu, %" PRIu32 " bad, latch %u\n", chunks, taken, moved,
           board.faults[LUNA_BAD_FRAME], (unsigned)board.latch);
    return 0;
}
