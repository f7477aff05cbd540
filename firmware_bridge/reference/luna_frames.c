#include "luna_frames.h"

#include <string.h>

/* ---- numbers, little-endian: the cursor moves on ---- */

static void put8(uint8_t **at, uint8_t value) { *(*at)++ = value; }

static void put16(uint8_t **at, uint16_t value)
{
    put8(at, (uint8_t)(value & 0xFFu));
    put8(at, (uint8_t)(value >> 8));
}

static void put32(uint8_t **at, uint32_t value)
{
    put16(at, (uint16_t)(value & 0xFFFFu));
    put16(at, (uint16_t)(value >> 16));
}

static uint8_t get8(const uint8_t **at) { return *(*at)++; }

static uint16_t get16(const uint8_t **at)
{
    const unsigned low = get8(at);
    return (uint16_t)(low | (unsigned)get8(at) << 8);
}

static uint32_t get32(const uint8_t **at)
{
    const uint32_t low = get16(at);
    return low | (uint32_t)get16(at) << 16;
}

/* The same bits, signed: C99 leaves the conversion of a value that does not fit to the compiler. */
static int16_t get_i16(const uint8_t **at)
{
    const uint16_t bits = get16(at);
    int16_t value;
    memcpy(&value, &bits, sizeof value);
    return value;
}

static int32_t get_i32(const uint8_t **at)
{
    const uint32_t bits = get32(at);
    int32_t value;
    memcpy(&value, &bits, sizeof value);
    return value;
}

/* ---- CRC-16/CCITT-FALSE ---- */

uint16_t luna_crc(const uint8_t *bytes, size_t length)
{
    unsigned crc = 0xFFFFu;
    for (size_t i = 0; i < length; i++) {
        crc ^= (unsigned)bytes[i] << 8;
        for (int bit = 0; bit < 8; bit++)
            crc = (crc & 0x8000u) ? (crc << 1 ^ 0x1021u) & 0xFFFFu : crc << 1;
    }
    return (uint16_t)crc;
}

/* ---- COBS: each zero becomes the distance to the next one. A frame is too short for a second code ---- */

static size_t stuff(const uint8_t *raw, size_t length, uint8_t *out)
{
    size_t code_at = 0;
    for (size_t i = 0; i < length; i++) {
        out[i + 1] = raw[i];
        if (raw[i] == 0) {
            out[code_at] = (uint8_t)(i + 1 - code_at);
            code_at = i + 1;
        }
    }
    out[code_at] = (uint8_t)(length + 1 - code_at);
    return length + 1;
}

/* Return the length of the raw frame, or 0 where a distance points beyond the end or a zero is inside. */
static size_t unstuff(const uint8_t *stuffed, size_t length, uint8_t *raw)
{
    size_t next_code = 0;
    for (size_t i = 0; i < length; i++) {
        if (stuffed[i] == 0)
            return 0;
        if (i > 0)
            raw[i - 1] = i == next_code ? 0 : stuffed[i];
        if (i == next_code)
            next_code = i + stuffed[i];
    }
    return length > 0 && next_code == length ? length - 1 : 0;
}

/* ---- payloads ---- */

/* The one length that a type has, or -1. */
static int payload_size(uint8_t type)
{
    switch (type) {
    case LUNA_HELLO: return 4;
    case LUNA_HEARTBEAT: return 0;
    case LUNA_MOTION: return 4;
    case LUNA_STOP: return 1;
    case LUNA_CLEAR: return 2;
    case LUNA_LIMITS: return 12;
    case LUNA_WELCOME: return 10;
    case LUNA_STATUS: return 8;
    case LUNA_ODOMETRY: return 16;
    case LUNA_BATTERY: return 7;
    case LUNA_INPUTS: return 2;
    case LUNA_TRAY: return 5;
    case LUNA_TILT: return 4;
    case LUNA_FAULT: return 5;
    default: return -1;
    }
}

static void put_limits(uint8_t **at, const struct luna_limits *limits)
{
    put16(at, limits->speed_mm_s);
    put16(at, limits->turn_mrad_s);
    put16(at, limits->acceleration_mm_s2);
    put16(at, limits->turn_acceleration_mrad_s2);
    put16(at, limits->braking_mm_s2);
    put16(at, limits->turn_braking_mrad_s2);
}

static void get_limits(const uint8_t **at, struct luna_limits *limits)
{
    limits->speed_mm_s = get16(at);
    limits->turn_mrad_s = get16(at);
    limits->acceleration_mm_s2 = get16(at);
    limits->turn_acceleration_mrad_s2 = get16(at);
    limits->braking_mm_s2 = get16(at);
    limits->turn_braking_mrad_s2 = get16(at);
}

static void put_odometry(uint8_t **at, const struct luna_odometry *odometry)
{
    put32(at, (uint32_t)odometry->x_100um);
    put32(at, (uint32_t)odometry->y_100um);
    put32(at, (uint32_t)odometry->theta_urad);
    put16(at, (uint16_t)odometry->v_mm_s);
    put16(at, (uint16_t)odometry->w_mrad_s);
}

static void get_odometry(const uint8_t **at, struct luna_odometry *odometry)
{
    odometry->x_100um = get_i32(at);
    odometry->y_100um = get_i32(at);
    odometry->theta_urad = get_i32(at);
    odometry->v_mm_s = get_i16(at);
    odometry->w_mrad_s = get_i16(at);
}

static void put_body(uint8_t **at, const struct luna_message *m)
{
    switch (m->header.type) {
    case LUNA_HELLO:
        put32(at, m->body.hello.nonce);
        break;
    case LUNA_MOTION:
        put16(at, (uint16_t)m->body.motion.linear_mm_s);
        put16(at, (uint16_t)m->body.motion.angular_mrad_s);
        break;
    case LUNA_STOP:
        put8(at, m->body.stop.kind);
        break;
    case LUNA_CLEAR:
        put16(at, m->body.clear.latch);
        break;
    case LUNA_LIMITS:
        put_limits(at, &m->body.limits);
        break;
    case LUNA_WELCOME:
        put32(at, m->body.welcome.nonce);
        put16(at, m->body.welcome.firmware);
        put16(at, m->body.welcome.speed_mm_s);
        put16(at, m->body.welcome.turn_mrad_s);
        break;
    case LUNA_STATUS:
        put16(at, m->body.status.latch);
        put16(at, m->body.status.causes);
        put32(at, m->body.status.refused);
        break;
    case LUNA_ODOMETRY:
        put_odometry(at, &m->body.odometry);
        break;
    case LUNA_BATTERY:
        put16(at, m->body.battery.level_10000th);
        put16(at, m->body.battery.voltage_mv);
        put16(at, (uint16_t)m->body.battery.current_10ma);
        put8(at, m->body.battery.flags);
        break;
    case LUNA_INPUTS:
        put16(at, m->body.inputs.active);
        break;
    case LUNA_TRAY:
        put32(at, (uint32_t)m->body.tray.weight_g);
        put8(at, m->body.tray.locked);
        break;
    case LUNA_TILT:
        put16(at, (uint16_t)m->body.tilt.pitch_mrad);
        put16(at, (uint16_t)m->body.tilt.roll_mrad);
        break;
    case LUNA_FAULT:
        put8(at, m->body.fault.code);
        put32(at, m->body.fault.count);
        break;
    default: /* HEARTBEAT has none */
        break;
    }
}

static void get_body(const uint8_t **at, struct luna_message *m)
{
    switch (m->header.type) {
    case LUNA_HELLO:
        m->body.hello.nonce = get32(at);
        break;
    case LUNA_MOTION:
        m->body.motion.linear_mm_s = get_i16(at);
        m->body.motion.angular_mrad_s = get_i16(at);
        break;
    case LUNA_STOP:
        m->body.stop.kind = get8(at);
        break;
    case LUNA_CLEAR:
        m->body.clear.latch = get16(at);
        break;
    case LUNA_LIMITS:
        get_limits(at, &m->body.limits);
        break;
    case LUNA_WELCOME:
        m->body.welcome.nonce = get32(at);
        m->body.welcome.firmware = get16(at);
        m->body.welcome.speed_mm_s = get16(at);
        m->body.welcome.turn_mrad_s = get16(at);
        break;
    case LUNA_STATUS:
        m->body.status.latch = get16(at);
        m->body.status.causes = get16(at);
        m->body.status.refused = get32(at);
        break;
    case LUNA_ODOMETRY:
        get_odometry(at, &m->body.odometry);
        break;
    case LUNA_BATTERY:
        m->body.battery.level_10000th = get16(at);
        m->body.battery.voltage_mv = get16(at);
        m->body.battery.current_10ma = get_i16(at);
        m->body.battery.flags = get8(at);
        break;
    case LUNA_INPUTS:
        m->body.inputs.active = get16(at);
        break;
    case LUNA_TRAY:
        m->body.tray.weight_g = get_i32(at);
        m->body.tray.locked = get8(at);
        break;
    case LUNA_TILT:
        m->body.tilt.pitch_mrad = get_i16(at);
        m->body.tilt.roll_mrad = get_i16(at);
        break;
    case LUNA_FAULT:
        m->body.fault.code = get8(at);
        m->body.fault.count = get32(at);
        break;
    default: /* HEARTBEAT has none */
        break;
    }
}

/* ---- whole frames ---- */

size_t luna_encode(const struct luna_message *message, uint8_t line[LUNA_LINE_MAX])
{
    uint8_t raw[LUNA_RAW_MAX];
    uint8_t *at = raw;

    if (payload_size(message->header.type) < 0)
        return 0;
    put8(&at, LUNA_VERSION);
    put8(&at, message->header.type);
    put16(&at, message->header.ttl_ms);
    put32(&at, message->header.session);
    put32(&at, message->header.sequence);
    put32(&at, message->header.stamp_ms);
    put_body(&at, message);
    put16(&at, luna_crc(raw, (size_t)(at - raw)));

    const size_t length = stuff(raw, (size_t)(at - raw), line);
    line[length] = 0;
    return length + 1;
}

static bool has_known_value(const struct luna_message *m)
{
    if (m->header.type == LUNA_STOP)
        return m->body.stop.kind == LUNA_STOP_LATCH || m->body.stop.kind == LUNA_STOP_LEAVING;
    if (m->header.type == LUNA_FAULT)
        return m->body.fault.code >= LUNA_BAD_FRAME && m->body.fault.code < LUNA_FAULT_CODES;
    return true;
}

static void get_header(const uint8_t **at, struct luna_header *header)
{
    header->type = get8(at);
    header->ttl_ms = get16(at);
    header->session = get32(at);
    header->sequence = get32(at);
    header->stamp_ms = get32(at);
}

enum luna_decoded luna_decode(const uint8_t *frame, size_t length, struct luna_message *message)
{
    uint8_t raw[LUNA_RAW_MAX];
    struct luna_message read = {0};

    const size_t size = length <= LUNA_COBS_MAX ? unstuff(frame, length, raw) : 0;
    if (size < LUNA_HEADER_SIZE + LUNA_CRC_SIZE)
        return LUNA_BAD;
    const uint8_t *crc = raw + size - LUNA_CRC_SIZE;
    if (luna_crc(raw, size - LUNA_CRC_SIZE) != get16(&crc))
        return LUNA_BAD;

    const uint8_t *at = raw;
    if (get8(&at) != LUNA_VERSION)
        return LUNA_BAD;
    get_header(&at, &read.header);
    if (payload_size(read.header.type) != (int)size - LUNA_HEADER_SIZE - LUNA_CRC_SIZE)
        return LUNA_UNKNOWN;
    get_body(&at, &read);
    if (!has_known_value(&read))
        return LUNA_UNKNOWN;
    *message = read;
    return LUNA_MESSAGE;
}

enum luna_decoded luna_read(struct luna_reader *reader, uint8_t byte, struct luna_message *message)
{
    enum luna_decoded decoded = LUNA_NOTHING;

    if (byte == 0) {
        if (reader->length > 0)
            decoded = luna_decode(reader->bytes, reader->length, message);
        reader->length = 0;
        reader->skipping = false;
    } else if (reader->skipping) {
        decoded = LUNA_NOTHING;
    } else if (reader->length < LUNA_COBS_MAX) {
        reader->bytes[reader->length++] = byte;
    } else {
        reader->length = 0;
        reader->skipping = true;
        decoded = LUNA_BAD;
    }
    return decoded;
}
