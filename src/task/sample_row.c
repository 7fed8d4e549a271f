#include "task/sample_row.h"

#include <errno.h>
#include <fcntl.h>
#include <unistd.h>

#include "base/file.h"
#include "base/memory.h"

/* Rows gather here before they are written. */
#define FILE_BUFFER_BYTES (1u << 20)

#define SECONDS_A_DAY 86400

bool sample_file_open(struct sample_file *file, const struct sample_part *part, const char *path, const char *header,
                      struct error *error)
{
    *file = (struct sample_file){.progress = part->progress, .path = path, .fd = -1};
    file->data = memory_array(FILE_BUFFER_BYTES, 1, error);
    if (file->data == NULL) return false;
    file->fd = open(path, O_WRONLY | O_CREAT | O_EXCL | O_CLOEXEC, 0666);
    if (file->fd < 0) {
        if (errno == EEXIST)
            return error_set(error, ERROR_CONFLICT, "%s is there already: choose another --out or remove it", path);
        return error_set_errno(error, errno, "cannot make %s", path);
    }
    return sample_file_append(file, header, strlen(header), error);
}

static void progress_add(struct sample_progress *progress, uint64_t bytes)
{
    uint64_t done = atomic_fetch_add(&progress->done_bytes, bytes) + bytes;
    if (progress->options->progress == NULL || atomic_flag_test_and_set(&progress->showing)) return;
    uint64_t total = done < progress->total_bytes ? progress->total_bytes : done;
    progress->options->progress(progress->options->progress_context, done, total);
    atomic_flag_clear(&progress->showing);
}

static bool file_flush(struct sample_file *file, struct error *error)
{
    if (!file_write(file->fd, file->data, file->length, file->path, error)) return false;
    progress_add(file->progress, file->length);
    file->written += file->length;
    file->length = 0;
    return true;
}

char *sample_file_row(struct sample_file *file, struct error *error)
{
    if (FILE_BUFFER_BYTES - file->length < SAMPLE_ROW_BYTES && !file_flush(file, error)) return NULL;
    return file->data + file->length;
}

bool sample_file_append(struct sample_file *file, const char *data, size_t size, struct error *error)
{
    while (size > 0) {
        char *at = sample_file_row(file, error);
        if (at == NULL) return false;
        size_t portion = size < SAMPLE_ROW_BYTES ? size : SAMPLE_ROW_BYTES;
        sample_file_keep(file, put_bytes(at, data, portion));
        data += portion;
        size -= portion;
    }
    return true;
}

bool sample_file_close(struct sample_file *file, struct error *error)
{
    if (!file_flush(file, error)) return false;
    int fd = file->fd;
    file->fd = -1;
    if (close(fd) != 0) return error_set_errno(error, errno, "cannot finish %s", file->path);
    return true;
}

void sample_file_abandon(struct sample_file *file)
{
    if (file->fd >= 0) close(file->fd);
    file->fd = -1;
    memory_free(file->data);
    file->data = NULL;
}

/* The civil date of a day number (Howard Hinnant, chrono-compatible low-level date algorithms, days_from_civil's
 * inverse), for days from 1970 on. */
static void date_text(uint32_t day, char text[10])
{
    uint32_t shifted = day + 719468;
    uint32_t era = shifted / 146097;
    uint32_t of_era = shifted - era * 146097;
    uint32_t year_of_era = (of_era - of_era / 1460 + of_era / 36524 - of_era / 146096) / 365;
    uint32_t of_year = of_era - (365 * year_of_era + year_of_era / 4 - year_of_era / 100);
    uint32_t month_from_march = (5 * of_year + 2) / 153;
    uint32_t month_day = of_year - (153 * month_from_march + 2) / 5 + 1;
    uint32_t month = month_from_march < 10 ? month_from_march + 3 : month_from_march - 9;
    uint32_t year = year_of_era + era * 400 + (month <= 2);
    char *at = put_two(put_two(text, year / 100), year % 100);
    *at++ = '-';
    at = put_two(at, month);
    *at++ = '-';
    put_two(at, month_day);
}

/* How busy a weekday is, from Thursday (1970-01-01) on. */
static const uint8_t weekday_weight[7] = {5, 6, 7, 6, 4, 4, 4};

static bool world_days(struct sample_world *world, const struct sample_options *options, struct error *error)
{
    uint32_t all = options->days + SAMPLE_LATER_DAYS;
    world->dates = memory_array(all, sizeof *world->dates, error);
    world->day_slots = memory_array((size_t)options->days * 7, sizeof *world->day_slots, error);
    if (world->dates == NULL || world->day_slots == NULL) return false;
    for (uint32_t i = 0; i < all; i++) date_text((uint32_t)options->first_day + i, world->dates[i]);
    for (uint32_t i = 0; i < options->days; i++) {
        uint32_t weight = weekday_weight[((uint32_t)options->first_day + i) % 7];
        for (uint32_t slot = 0; slot < weight; slot++) world->day_slots[world->day_slot_count++] = i;
    }
    return true;
}

bool sample_world_new(struct sample_world *world, const struct sample_options *options, struct error *error)
{
    *world = (struct sample_world){.products = options->products, .customers = options->customers};
    if (world->products == 0) world->products = options->rows < 30000 ? options->rows : 30000;
    if (world->customers == 0) world->customers = options->rows < 30 ? 20 : options->rows / 3 * 2;
    world->price_cents = memory_array(world->products, sizeof *world->price_cents, error);
    if (world->price_cents == NULL || !world_days(world, options, error)) {
        sample_world_free(world);
        return false;
    }
    for (uint64_t i = 0; i < world->products; i++) world->price_cents[i] = sample_product_price(options->seed, i + 1);
    return true;
}

void sample_world_free(struct sample_world *world)
{
    memory_free(world->dates);
    memory_free(world->day_slots);
    memory_free(world->price_cents);
    *world = (struct sample_world){0};
}

void sample_random(struct random *random, uint64_t seed, enum sample_stream stream, uint64_t number)
{
    /* Multiplications and shifts of MurmurHash3's finaliser, so that neighbouring numbers give unlike seeds. */
    uint64_t mixed = seed * 0x9E3779B97F4A7C15u + ((uint64_t)stream << 56) + number;
    mixed = (mixed ^ (mixed >> 33)) * 0xFF51AFD7ED558CCDu;
    mixed = (mixed ^ (mixed >> 33)) * 0xC4CEB9FE1A85EC53u;
    random_seed(random, mixed ^ (mixed >> 33));
}

const char *sample_part_path(struct buffer *into, const struct sample_part *part, const char *folder, const char *stem)
{
    buffer_clear(into);
    buffer_append_format(into, "%s/%s%s", part->options->folder, folder, stem);
    if (part->options->files > 1 || part->options->kind == SAMPLE_ORDERS)
        buffer_append_format(into, "_part%llu", (unsigned long long)part->index + 1);
    buffer_append_text(into, ".csv");
    return buffer_text(into);
}

char *put_number(char *at, uint64_t number)
{
    char digits[20];
    size_t count = 0;
    do {
        digits[count++] = (char)('0' + number % 10);
        number /= 10;
    } while (number > 0);
    while (count > 0) *at++ = digits[--count];
    return at;
}

char *put_cents(char *at, uint64_t cents)
{
    at = put_number(at, cents / 100);
    *at++ = '.';
    uint32_t rest = (uint32_t)(cents % 100);
    *at++ = (char)('0' + rest / 10);
    if (rest % 10 != 0) *at++ = (char)('0' + rest % 10);
    return at;
}

char *put_timestamp(char *at, const struct sample_world *world, uint64_t seconds)
{
    uint32_t of_day = (uint32_t)(seconds % SECONDS_A_DAY);
    at = put_bytes(at, world->dates[seconds / SECONDS_A_DAY], 10);
    *at++ = 'T';
    at = put_two(at, of_day / 3600);
    *at++ = ':';
    at = put_two(at, of_day / 60 % 60);
    *at++ = ':';
    return put_two(at, of_day % 60);
}
