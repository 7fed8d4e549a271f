#include "task/sample_dirt.h"

/* Orders come in blocks of BLOCK_ORDERS with together BLOCK_LINES lines, so that the number of an order's first line
 * follows from the order's number and any range of orders can be made by itself. */
#define BLOCK_ORDERS 50
#define BLOCK_LINES 130

/* How many lines the orders of a block have, before they are shuffled: 2.6 on average. */
static const uint8_t block_lines[BLOCK_ORDERS] = {1, 1, 1, 1, 1, 1, 1, 1, 1, 1, 1, 1, 1, 2, 2, 2, 2,
                                                  2, 2, 2, 2, 2, 2, 2, 2, 2, 3, 3, 3, 3, 3, 3, 3, 3,
                                                  3, 3, 3, 4, 4, 4, 4, 4, 4, 4, 5, 5, 5, 5, 5, 5};

/* Of 256 orders, how many are placed in each hour of the day. */
static const uint8_t hour_share[24] = {5,  3,  2,  1,  1,  2,  4,  7,  10, 13, 14, 14,
                                       14, 13, 12, 12, 12, 13, 15, 18, 22, 21, 18, 10};

enum status { DELIVERED, RETURNED, COMPLETED, SHIPPED, PROCESSING, CANCELLED };
static const char *const status_name[] = {"delivered", "returned", "completed", "shipped", "processing", "cancelled"};

/* Of 100 orders, how many have a status or one before it. */
static const uint8_t status_up_to[] = {69, 84, 88, 93, 97, 100};

static const char *const orders_header[] = {
    "order_id,user_id,status,created_at,returned_at,shipped_at,delivered_at,num_of_item\n",
    "order_id,customer_id,order_date,status\n",
};
static const char *const items_header[] = {
    "id,order_id,user_id,product_id,status,created_at,shipped_at,delivered_at,returned_at,sale_price\n",
    "order_item_id,order_id,product_id,quantity,price\n",
};

/* A time that has not come. */
#define NEVER UINT64_MAX

/* Times are seconds since midnight of the first day. */
struct order {
    uint64_t number, customer, first_line;
    uint32_t lines;
    enum status status;
    uint64_t created, shipped, delivered, returned;
};

/* One part at work. */
struct maker {
    struct sample_part *part;
    struct sample_file orders, items;
    struct buffer orders_later, items_later; /* copies that come at the end of their block */
    struct buffer orders_path, items_path;
    uint8_t hour_of_slot[256];
    struct random random, dirt;
};

static void block_shuffle(struct random *random, uint8_t lines[BLOCK_ORDERS])
{
    memcpy(lines, block_lines, BLOCK_ORDERS);
    for (uint32_t i = BLOCK_ORDERS - 1; i > 0; i--) {
        uint32_t other = (uint32_t)random_below(random, i + 1);
        uint8_t moved = lines[i];
        lines[i] = lines[other];
        lines[other] = moved;
    }
}

static uint64_t hours(struct random *random, uint32_t least, uint32_t most)
{
    return 3600 * (least + random_below(random, most - least + 1));
}

static void order_draw(struct maker *maker, struct order *order)
{
    struct random *random = &maker->random;
    const struct sample_world *world = maker->part->world;
    uint64_t draw = random_next(random);
    /* A quarter of the orders come from a twentieth of the customers. */
    uint64_t circle = draw % 4 == 0 ? world->customers / 20 + 1 : world->customers;
    order->customer = 1 + random_below(random, circle);
    uint32_t percent = (uint32_t)(draw >> 8) % 100;
    order->status = DELIVERED;
    while (percent >= status_up_to[order->status]) order->status++;
    uint32_t day = world->day_slots[random_below(random, world->day_slot_count)];
    uint32_t hour = maker->hour_of_slot[draw >> 56];
    order->created = day * UINT64_C(86400) + hour * 3600 + random_below(random, 3600);
    order->shipped = order->created + hours(random, 1, 24);
    order->delivered = order->shipped + hours(random, 6, 96);
    order->returned = order->delivered + hours(random, 12, 168);
    if (order->status != RETURNED) order->returned = NEVER;
    if (order->status != RETURNED && order->status != DELIVERED && order->status != COMPLETED) order->delivered = NEVER;
    if (order->status == PROCESSING || order->status == CANCELLED) order->shipped = NEVER;
}

static char *put_time_or_nothing(char *at, const struct sample_world *world, uint64_t seconds)
{
    if (seconds != NEVER) at = put_timestamp(at, world, seconds);
    *at++ = ',';
    return at;
}

static char *order_put(char *at, const struct sample_part *part, const struct order *order)
{
    const struct sample_world *world = part->world;
    at = put_number(at, order->number);
    *at++ = ',';
    at = put_number(at, order->customer);
    *at++ = ',';
    if (part->options->family == SAMPLE_QUANTITY) {
        at = put_bytes(at, world->dates[order->created / 86400], 10);
        *at++ = ',';
        at = put_text(at, status_name[order->status]);
    } else {
        at = put_text(at, status_name[order->status]);
        *at++ = ',';
        at = put_time_or_nothing(at, world, order->created);
        at = put_time_or_nothing(at, world, order->returned);
        at = put_time_or_nothing(at, world, order->shipped);
        at = put_time_or_nothing(at, world, order->delivered);
        at = put_number(at, order->lines);
    }
    *at++ = '\n';
    return at;
}

/* A line's own times differ a little from its order's, as in the public data. */
static uint64_t nearby(uint64_t seconds, uint64_t later)
{
    return seconds == NEVER ? NEVER : seconds + later;
}

static char *line_put(char *at, struct maker *maker, const struct order *order, uint64_t line)
{
    const struct sample_part *part = maker->part;
    const struct sample_world *world = part->world;
    struct random *random = &maker->random;
    /* The lesser of two draws: some products sell much more than others. */
    uint64_t product = random_below(random, world->products), other = random_below(random, world->products);
    if (other < product) product = other;
    uint64_t draw = random_next(random);
    uint32_t percent = 90 + (uint32_t)draw % 16;
    uint64_t cents = ((uint64_t)world->price_cents[product] * percent + 50) / 100;
    uint64_t later = (draw >> 32) % 60 * 60;

    at = put_number(at, line);
    *at++ = ',';
    at = put_number(at, order->number);
    *at++ = ',';
    if (part->options->family == SAMPLE_QUANTITY) {
        *at++ = 'P';
        at = put_number(at, 1001 + product);
        *at++ = ',';
        uint32_t quantity = (draw >> 16) % 100 < 72 ? 1 : 2 + (uint32_t)(draw >> 24) % 5;
        at = put_number(at, quantity);
        *at++ = ',';
    } else {
        at = put_number(at, order->customer);
        *at++ = ',';
        at = put_number(at, 1 + product);
        *at++ = ',';
        at = put_text(at, status_name[order->status]);
        *at++ = ',';
        at = put_time_or_nothing(at, world, order->created + later);
        at = put_time_or_nothing(at, world, nearby(order->shipped, later));
        at = put_time_or_nothing(at, world, nearby(order->delivered, later));
        at = put_time_or_nothing(at, world, nearby(order->returned, later));
    }
    at = put_cents(at, cents);
    *at++ = '\n';
    return at;
}

/* Writes one order and its lines; one outside the part is only drawn. */
static bool order_make(struct maker *maker, const struct order *order, bool kept, struct error *error)
{
    struct sample_part *part = maker->part;
    const struct sample_options *options = part->options;
    char *row = sample_file_row(&maker->orders, error);
    if (row == NULL) return false;
    char *end = order_put(row, part, order);
    end = dirt_apply(&dirt_orders[options->family], options->dirty, &maker->dirt, kept, row, end, &maker->orders_later,
                     &part->counts[0]);
    if (kept) sample_file_keep(&maker->orders, end);
    for (uint32_t i = 0; i < order->lines; i++) {
        row = sample_file_row(&maker->items, error);
        if (row == NULL) return false;
        end = line_put(row, maker, order, order->first_line + i);
        end = dirt_apply(&dirt_items[options->family], options->dirty, &maker->dirt, kept, row, end,
                         &maker->items_later, &part->counts[1]);
        if (kept) sample_file_keep(&maker->items, end);
    }
    if (kept) {
        part->counts[0].rows++;
        part->counts[1].rows += order->lines;
    }
    return true;
}

static bool later_write(struct buffer *later, struct sample_file *file, struct error *error)
{
    bool written = buffer_check(later, error) && sample_file_append(file, later->data, later->length, error);
    buffer_clear(later);
    return written;
}

static bool block_make(struct maker *maker, uint64_t block, struct error *error)
{
    struct sample_part *part = maker->part;
    uint8_t lines[BLOCK_ORDERS];
    sample_random(&maker->random, part->options->seed, STREAM_ORDER, block);
    sample_random(&maker->dirt, part->options->seed, STREAM_DIRT, block);
    block_shuffle(&maker->random, lines);
    struct order order = {.first_line = block * BLOCK_LINES + 1};
    for (uint32_t i = 0; i < BLOCK_ORDERS; i++) {
        order.number = block * BLOCK_ORDERS + i + 1;
        order.lines = lines[i];
        order_draw(maker, &order);
        if (!order_make(maker, &order, order.number >= part->first && order.number <= part->last, error)) return false;
        order.first_line += order.lines;
    }
    return later_write(&maker->orders_later, &maker->orders, error) &&
           later_write(&maker->items_later, &maker->items, error);
}

static bool part_make(struct maker *maker, struct error *error)
{
    struct sample_part *part = maker->part;
    enum sample_family family = part->options->family;
    const char *orders = sample_part_path(&maker->orders_path, part, "orders/", "orders");
    const char *items = sample_part_path(&maker->items_path, part, "order_items/", "order_items");
    if (orders == NULL || items == NULL) return error_set(error, ERROR_MEMORY, "no memory for the paths of the sample");
    if (!sample_file_open(&maker->orders, part, orders, orders_header[family], error) ||
        !sample_file_open(&maker->items, part, items, items_header[family], error))
        return false;
    for (uint64_t block = (part->first - 1) / BLOCK_ORDERS; block <= (part->last - 1) / BLOCK_ORDERS; block++) {
        if (!block_make(maker, block, error)) return false;
    }
    if (!sample_file_close(&maker->orders, error) || !sample_file_close(&maker->items, error)) return false;
    part->counts[0].bytes = maker->orders.written;
    part->counts[1].bytes = maker->items.written;
    return true;
}

bool sample_orders_part(struct sample_part *part, struct error *error)
{
    struct maker maker = {.part = part, .orders.fd = -1, .items.fd = -1};
    size_t slot = 0;
    for (uint32_t hour = 0; hour < 24; hour++)
        for (uint32_t i = 0; i < hour_share[hour]; i++) maker.hour_of_slot[slot++] = (uint8_t)hour;
    buffer_init(&maker.orders_later, 0);
    buffer_init(&maker.items_later, 0);
    buffer_init(&maker.orders_path, 0);
    buffer_init(&maker.items_path, 0);
    bool made = part_make(&maker, error);
    sample_file_abandon(&maker.orders);
    sample_file_abandon(&maker.items);
    buffer_free(&maker.orders_later);
    buffer_free(&maker.items_later);
    buffer_free(&maker.orders_path);
    buffer_free(&maker.items_path);
    return made;
}
