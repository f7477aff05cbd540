#include "luna_board.h"

#include <string.h>

enum {
    STATUS_MS = 50,
    ODOMETRY_MS = 20,
    BATTERY_MS = 500,
    INPUTS_MS = 100,
    TRAY_MS = 200,
    TILT_MS = 200,
    FAULT_MS = 100,
    FROM_BOARD = 0x80,     /* types from here on are ours */
    BATTERY_LOW = 2
};

/* ---- what is sent ---- */

static void send(struct luna_board *board, struct luna_message *message, uint32_t now_ms, struct luna_sink *out)
{
    uint8_t line[LUNA_LINE_MAX];

    message->header.session = board->session;
    message->header.sequence = ++board->sent;
    message->header.stamp_ms = now_ms;
    const size_t length = luna_encode(message, line);
    if (length <= out->room - out->length) {
        memcpy(out->bytes + out->length, line, length);
        out->length += length;
    }
}

static void make_due(uint32_t *sent_ms, uint32_t period_ms, uint32_t now_ms) { *sent_ms = now_ms - period_ms; }

static void make_all_due(struct luna_board *board, uint32_t now_ms)
{
    make_due(&board->status_ms, STATUS_MS, now_ms);
    make_due(&board->odometry_ms, ODOMETRY_MS, now_ms);
    make_due(&board->battery_ms, BATTERY_MS, now_ms);
    make_due(&board->inputs_ms, INPUTS_MS, now_ms);
    make_due(&board->tray_ms, TRAY_MS, now_ms);
    make_due(&board->tilt_ms, TILT_MS, now_ms);
}

/* In step with the period, but nothing is made up for after a pause. */
static bool is_due(uint32_t *sent_ms, uint32_t period_ms, uint32_t now_ms)
{
    if (now_ms - *sent_ms < period_ms)
        return false;
    *sent_ms += period_ms;
    if (now_ms - *sent_ms >= period_ms)
        *sent_ms = now_ms;
    return true;
}

static struct luna_message empty(uint8_t type)
{
    struct luna_message message;
    memset(&message, 0, sizeof message);
    message.header.type = type;
    return message;
}

static uint32_t refused(const struct luna_board *board)
{
    uint32_t sum = 0;
    for (int code = LUNA_BAD_FRAME; code <= LUNA_CLEAR_REFUSED; code++)
        sum += board->faults[code];
    return sum;
}

static void send_safety(struct luna_board *board, uint32_t now_ms, struct luna_sink *out)
{
    if (is_due(&board->inputs_ms, INPUTS_MS, now_ms)) {
        struct luna_message message = empty(LUNA_INPUTS);
        message.body.inputs.active = board->active;
        send(board, &message, now_ms, out);
    }
    if (is_due(&board->status_ms, STATUS_MS, now_ms)) {
        struct luna_message message = empty(LUNA_STATUS);
        message.body.status.latch = board->latch;
        message.body.status.causes = board->causes;
        message.body.status.refused = refused(board);
        send(board, &message, now_ms, out);
    }
}

static void send_battery(struct luna_board *board, const struct luna_battery *battery, uint32_t now_ms,
                         struct luna_sink *out)
{
    struct luna_message message = empty(LUNA_BATTERY);

    if (battery->voltage_mv <= board->build->battery_low_mv)
        board->battery_low = true;
    else if (battery->voltage_mv >= board->build->battery_charged_mv)
        board->battery_low = false;
    message.body.battery = *battery;
    message.body.battery.flags = (uint8_t)((battery->flags & ~BATTERY_LOW) | (board->battery_low ? BATTERY_LOW : 0));
    send(board, &message, now_ms, out);
}

static void send_readings(struct luna_board *board, const struct luna_sensors *sensors, uint32_t now_ms,
                          struct luna_sink *out)
{
    if (is_due(&board->odometry_ms, ODOMETRY_MS, now_ms)) {
        struct luna_message message = empty(LUNA_ODOMETRY);
        message.body.odometry = sensors->odometry;
        send(board, &message, now_ms, out);
    }
    if (is_due(&board->tray_ms, TRAY_MS, now_ms)) {
        struct luna_message message = empty(LUNA_TRAY);
        message.body.tray = sensors->tray;
        send(board, &message, now_ms, out);
    }
    if (is_due(&board->tilt_ms, TILT_MS, now_ms)) {
        struct luna_message message = empty(LUNA_TILT);
        message.body.tilt = sensors->tilt;
        send(board, &message, now_ms, out);
    }
    if (is_due(&board->battery_ms, BATTERY_MS, now_ms))
        send_battery(board, &sensors->battery, now_ms, out);
}

/* One code at a time, each in its turn, so that none hides another. */
static void send_fault(struct luna_board *board, uint32_t now_ms, struct luna_sink *out)
{
    if (now_ms - board->fault_ms < FAULT_MS)
        return;
    for (unsigned step = 0; step < LUNA_FAULT_CODES - 1; step++) {
        const uint8_t code = (uint8_t)((board->newest_told + step) % (LUNA_FAULT_CODES - 1) + 1);
        if (board->faults[code] != board->told[code]) {
            struct luna_message message = empty(LUNA_FAULT);
            message.body.fault.code = code;
            message.body.fault.count = board->told[code] = board->faults[code];
            board->newest_told = code;
            board->fault_ms = now_ms;
            send(board, &message, now_ms, out);
            return;
        }
    }
}

void luna_board_fault(struct luna_board *board, enum luna_fault_code code) { board->faults[code]++; }

/* ---- permissions ---- */

static void permit(struct luna_permit *permit, const struct luna_header *header, uint32_t age_ms, uint32_t now_ms)
{
    permit->given = true;
    permit->since_ms = now_ms - age_ms;
    permit->lasts_ms = header->ttl_ms < LUNA_DEADLINE_MS ? header->ttl_ms : LUNA_DEADLINE_MS;
}

/* What ended stays ended, also when the clock comes round to its time again. */
static void end_if_over(struct luna_permit *permit, uint32_t now_ms)
{
    if (now_ms - permit->since_ms > permit->lasts_ms)
        permit->given = false;
}

/* ---- the latch ---- */

static void latch(struct luna_board *board, uint16_t causes, uint32_t now_ms)
{
    if (board->causes == 0)
        board->latch++;
    if ((causes & ~board->causes) != 0)
        make_due(&board->status_ms, STATUS_MS, now_ms);
    board->causes |= causes;
    board->motion.given = false;
}

static void clear(struct luna_board *board, uint16_t number, uint32_t now_ms)
{
    if (number != board->latch || board->active != 0) {
        luna_board_fault(board, LUNA_CLEAR_REFUSED);
        return;
    }
    board->causes = 0;
    make_due(&board->status_ms, STATUS_MS, now_ms);
}

static bool leans(int mrad) { return mrad > LUNA_LEAN_MRAD || mrad < -LUNA_LEAN_MRAD; }

static void watch_inputs(struct luna_board *board, const struct luna_sensors *sensors, uint32_t now_ms)
{
    uint16_t active = sensors->pressed & (LUNA_BUTTON | LUNA_BUMPER | LUNA_LIFTED);

    if (leans(sensors->tilt.pitch_mrad) || leans(sensors->tilt.roll_mrad))
        active |= LUNA_LEAN;
    if (active != board->active)
        make_due(&board->inputs_ms, INPUTS_MS, now_ms);
    board->active = active;
    if (active != 0)
        latch(board, active, now_ms);
}

/* ---- what is received ---- */

/* Never 0 and never the old one, also from a source that is stuck, for which nothing waits here. */
static uint32_t new_session(const struct luna_board *board)
{
    const uint32_t drawn = board->build->random(board->build->context);

    if (drawn != 0 && drawn != board->session)
        return drawn;
    return board->session == UINT32_MAX ? 1 : board->session + 1;
}

static void begin_session(struct luna_board *board, const struct luna_message *hello, uint32_t now_ms,
                          struct luna_sink *out)
{
    struct luna_message welcome = empty(LUNA_WELCOME);

    board->session = new_session(board);
    board->sent = 0;
    board->heard = hello->header.sequence;
    board->least_difference = now_ms - hello->header.stamp_ms;
    board->grown_ms = now_ms;
    board->limits = board->build->caps;
    board->motion.given = false;
    board->heartbeat.given = false;
    welcome.body.welcome.nonce = hello->body.hello.nonce;
    welcome.body.welcome.firmware = board->build->firmware;
    welcome.body.welcome.speed_mm_s = board->build->caps.speed_mm_s;
    welcome.body.welcome.turn_mrad_s = board->build->caps.turn_mrad_s;
    send(board, &welcome, now_ms, out);
    make_all_due(board, now_ms);
}

/* How many ms longer this frame took than the quickest one of the session. Both clocks start anywhere. */
static uint32_t age_of(struct luna_board *board, const struct luna_header *header, uint32_t now_ms)
{
    const uint32_t seconds = (now_ms - board->grown_ms) / 1000u;
    const uint32_t difference = now_ms - header->stamp_ms;

    board->least_difference += seconds; /* 1 ms a second: the clocks may drift by 0.1 % */
    board->grown_ms += seconds * 1000u;
    const uint32_t age_ms = difference - board->least_difference;
    if (age_ms != 0 && age_ms <= UINT32_MAX / 2)
        return age_ms;
    board->least_difference = difference; /* quicker than all before, modulo 2^32 */
    board->grown_ms = now_ms;
    return 0;
}

static void lower_limits(struct luna_board *board, const struct luna_limits *wanted)
{
    board->limits = luna_lowered(&board->build->caps, wanted);
    if (!luna_within(&board->limits, &board->wanted))
        board->motion.given = false;
}

static void take_motion(struct luna_board *board, const struct luna_message *message, uint32_t age_ms, uint32_t now_ms)
{
    if (!luna_within(&board->limits, &message->body.motion)) {
        luna_board_fault(board, LUNA_OVER_LIMIT);
    } else if (board->causes == 0) {
        board->wanted = message->body.motion;
        permit(&board->motion, &message->header, age_ms, now_ms);
    }
}

static void obey(struct luna_board *board, const struct luna_message *message, uint32_t age_ms, uint32_t now_ms)
{
    switch (message->header.type) {
    case LUNA_HEARTBEAT:
        permit(&board->heartbeat, &message->header, age_ms, now_ms);
        break;
    case LUNA_MOTION:
        take_motion(board, message, age_ms, now_ms);
        break;
    case LUNA_STOP:
        latch(board, message->body.stop.kind == LUNA_STOP_LATCH ? LUNA_STOPPED : LUNA_LEFT, now_ms);
        break;
    case LUNA_CLEAR:
        clear(board, message->body.clear.latch, now_ms);
        break;
    case LUNA_LIMITS:
        lower_limits(board, &message->body.limits);
        break;
    default:
        break;
    }
}

static void take(struct luna_board *board, const struct luna_message *message, uint32_t now_ms, struct luna_sink *out)
{
    const struct luna_header *header = &message->header;

    if (header->type == LUNA_HELLO) {
        begin_session(board, message, now_ms, out);
    } else if (header->type >= FROM_BOARD) { /* an echo: its sequence must not count, or the gate's frames look old */
        luna_board_fault(board, LUNA_UNKNOWN_MESSAGE);
    } else if (board->session == 0 || header->session != board->session) {
        luna_board_fault(board, LUNA_WRONG_SESSION);
    } else if (header->sequence <= board->heard) {
        luna_board_fault(board, LUNA_OLD_SEQUENCE);
    } else {
        const uint32_t age_ms = age_of(board, header, now_ms);
        if (header->ttl_ms != 0 && age_ms > header->ttl_ms) {
            luna_board_fault(board, LUNA_LATE);
            return;
        }
        board->heard = header->sequence;
        obey(board, message, age_ms, now_ms);
    }
}

void luna_board_receive(struct luna_board *board, const uint8_t *bytes, size_t length, uint32_t now_ms,
                        struct luna_sink *out)
{
    struct luna_message message;

    for (size_t i = 0; i < length; i++) {
        const enum luna_decoded decoded = luna_read(&board->reader, bytes[i], &message);
        if (decoded == LUNA_MESSAGE)
            take(board, &message, now_ms, out);
        else if (decoded != LUNA_NOTHING)
            luna_board_fault(board, decoded == LUNA_BAD ? LUNA_BAD_FRAME : LUNA_UNKNOWN_MESSAGE);
    }
}

/* ---- the velocity ---- */

/* A latch ends the motion and lets none in; looked at here as well, so that it holds by two locks. */
static bool may_move(const struct luna_board *board)
{
    return board->causes == 0 && board->motion.given && board->heartbeat.given;
}

struct luna_motion luna_board_target(const struct luna_board *board)
{
    static const struct luna_motion nothing = {0, 0};
    return may_move(board) ? board->wanted : nothing;
}

static void drive(struct luna_board *board, uint32_t now_ms)
{
    const struct luna_limits *limits = &board->limits;
    const struct luna_motion target = luna_board_target(board);
    const uint32_t step_ms = now_ms - board->ticked_ms;

    board->ticked_ms = now_ms;
    board->linear_um_s = luna_ramp(board->linear_um_s, target.linear_mm_s, limits->acceleration_mm_s2,
                                   limits->braking_mm_s2, step_ms);
    board->angular_urad_s = luna_ramp(board->angular_urad_s, target.angular_mrad_s, limits->turn_acceleration_mrad_s2,
                                      limits->turn_braking_mrad_s2, step_ms);
}

struct luna_velocity luna_board_tick(struct luna_board *board, const struct luna_sensors *sensors, uint32_t now_ms,
                                     struct luna_sink *out)
{
    struct luna_velocity velocity;

    watch_inputs(board, sensors, now_ms);
    end_if_over(&board->motion, now_ms);
    end_if_over(&board->heartbeat, now_ms);
    drive(board, now_ms);
    send_safety(board, now_ms, out);
    send_readings(board, sensors, now_ms, out);
    send_fault(board, now_ms, out);
    velocity.linear_um_s = board->linear_um_s;
    velocity.angular_urad_s = board->angular_urad_s;
    velocity.standing = !may_move(board) && velocity.linear_um_s == 0 && velocity.angular_urad_s == 0;
    return velocity;
}

void luna_board_boot(struct luna_board *board, const struct luna_build *build, uint32_t now_ms)
{
    memset(board, 0, sizeof *board);
    board->build = build;
    board->limits = build->caps;
    board->ticked_ms = now_ms;
    board->fault_ms = now_ms - FAULT_MS;
    make_all_due(board, now_ms);
}
