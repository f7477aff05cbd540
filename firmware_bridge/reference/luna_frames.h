/* The codec of the serial protocol: bytes in, messages out, and back. docs/firmware-protocol.md is the description.
 *
 * C99 without allocation, global state or calls to an operating system. Integers go over the line byte by byte, so the
 * byte order and the padding of the processor do not matter. */
#ifndef LUNA_FRAMES_H
#define LUNA_FRAMES_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

enum {
    LUNA_VERSION = 1,
    LUNA_HEADER_SIZE = 16,
    LUNA_PAYLOAD_MAX = 48,
    LUNA_CRC_SIZE = 2,
    LUNA_RAW_MAX = LUNA_HEADER_SIZE + LUNA_PAYLOAD_MAX + LUNA_CRC_SIZE,
    LUNA_COBS_MAX = LUNA_RAW_MAX + 1, /* COBS adds one byte under 255 */
    LUNA_LINE_MAX = LUNA_COBS_MAX + 1 /* and the zero at the end */
};

enum luna_type {
    LUNA_HELLO = 0x01,
    LUNA_HEARTBEAT = 0x02,
    LUNA_MOTION = 0x03,
    LUNA_STOP = 0x04,
    LUNA_CLEAR = 0x05,
    LUNA_LIMITS = 0x06,
    LUNA_WELCOME = 0x81,
    LUNA_STATUS = 0x82,
    LUNA_ODOMETRY = 0x83,
    LUNA_BATTERY = 0x84,
    LUNA_INPUTS = 0x85,
    LUNA_TRAY = 0x86,
    LUNA_TILT = 0x87,
    LUNA_FAULT = 0x88
};

enum { LUNA_STOP_LATCH = 1, LUNA_STOP_LEAVING = 2 };

enum {
    LUNA_BUTTON = 0x01,
    LUNA_BUMPER = 0x02,
    LUNA_LEAN = 0x04,
    LUNA_LIFTED = 0x08,
    LUNA_STOPPED = 0x10, /* only in causes: a STOP of kind LATCH */
    LUNA_LEFT = 0x20     /* only in causes: a STOP of kind LEAVING */
};

enum luna_fault_code {
    LUNA_BAD_FRAME = 1,
    LUNA_WRONG_SESSION = 2,
    LUNA_OLD_SEQUENCE = 3,
    LUNA_LATE = 4,
    LUNA_OVER_LIMIT = 5,
    LUNA_UNKNOWN_MESSAGE = 6,
    LUNA_CLEAR_REFUSED = 7,
    LUNA_MOTOR_STUCK = 8,
    LUNA_FAULT_CODES = 9
};

struct luna_header {
    uint8_t type;
    uint16_t ttl_ms; /* 0: age does not matter */
    uint32_t session;
    uint32_t sequence;
    uint32_t stamp_ms; /* the sender's clock */
};

struct luna_hello { uint32_t nonce; };
struct luna_motion { int16_t linear_mm_s, angular_mrad_s; };
struct luna_stop { uint8_t kind; };
struct luna_clear { uint16_t latch; };

struct luna_limits {
    uint16_t speed_mm_s, turn_mrad_s;
    uint16_t acceleration_mm_s2, turn_acceleration_mrad_s2;
    uint16_t braking_mm_s2, turn_braking_mrad_s2;
};

struct luna_welcome { uint32_t nonce; uint16_t firmware, speed_mm_s, turn_mrad_s; };
struct luna_status { uint16_t latch, causes; uint32_t refused; };
struct luna_odometry { int32_t x_100um, y_100um, theta_urad; int16_t v_mm_s, w_mrad_s; };
struct luna_battery { uint16_t level_10000th, voltage_mv; int16_t current_10ma; uint8_t flags; };
struct luna_inputs { uint16_t active; };
struct luna_tray { int32_t weight_g; uint8_t locked; };
struct luna_tilt { int16_t pitch_mrad, roll_mrad; };
struct luna_fault { uint8_t code; uint32_t count; };

struct luna_message {
    struct luna_header header;
    union {
        struct luna_hello hello;
        struct luna_motion motion;
        struct luna_stop stop;
        struct luna_clear clear;
        struct luna_limits limits;
        struct luna_welcome welcome;
        struct luna_status status;
        struct luna_odometry odometry;
        struct luna_battery battery;
        struct luna_inputs inputs;
        struct luna_tray tray;
        struct luna_tilt tilt;
        struct luna_fault fault;
    } body;
};

enum luna_decoded {
    LUNA_NOTHING, /* not at the end of a frame yet, or an empty frame */
    LUNA_MESSAGE,
    LUNA_BAD,    /* COBS, length, CRC or version */
    LUNA_UNKNOWN /* sound, but with a type, a length, a STOP kind or a FAULT code that is not in the tables */
};

/* Collects the bytes of one frame. All zero is its start. */
struct luna_reader {
    uint8_t bytes[LUNA_COBS_MAX];
    uint8_t length;
    bool skipping; /* it was longer than any frame: drop the rest up to the next zero */
};

uint16_t luna_crc(const uint8_t *bytes, size_t length);

/* Write the message as it goes over the line, the zero included. Return its length, 0 for an unknown type. */
size_t luna_encode(const struct luna_message *message, uint8_t line[LUNA_LINE_MAX]);

/* Take one frame without its zero. `message` is written only when the answer is LUNA_MESSAGE. */
enum luna_decoded luna_decode(const uint8_t *frame, size_t length, struct luna_message *message);

/* Take the next byte of the line. What is longer than any frame is LUNA_BAD once, as soon as it is. */
enum luna_decoded luna_read(struct luna_reader *reader, uint8_t byte, struct luna_message *message);

#endif
