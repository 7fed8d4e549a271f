/* The key file, and keys of bodies wrapped with what is in it. */
#include <errno.h>
#include <fcntl.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include <openssl/crypto.h>
#include <openssl/evp.h>

#include "base/buffer.h"
#include "base/file.h"
#include "base/log.h"
#include "base/memory.h"
#include "base/random.h"
#include "store/local/blob.h"

enum { KEY_BYTES = 32, NONCE_BYTES = 12, TAG_BYTES = 16 };

static bool read_key(int fd, const char *path, uint8_t key[KEY_BYTES], struct error *error)
{
    uint8_t bytes[KEY_BYTES + 1];
    struct stat status;
    ssize_t got = file_read_at(fd, bytes, sizeof bytes, 0, path, error);

    if (got < 0) {
        return false;
    }
    if (got != KEY_BYTES) {
        return error_set(error, ERROR_INVALID,
                         "%s does not hold a key of 32 bytes; put the key back that the data was written with", path);
    }
    if (fstat(fd, &status) == 0 && (status.st_mode & 077) != 0) {
        log_event(LOG_WARN, "key_file_open_to_others", "path", "s", path, "advice", "s", "chmod 600", NULL);
    }
    memcpy(key, bytes, KEY_BYTES);
    OPENSSL_cleanse(bytes, sizeof bytes);
    return true;
}

/* Writes a new key beside its place, then gives it the name, unless another has come there. */
static bool write_key(const char *path, const char *temporary, const uint8_t *key, struct error *error)
{
    int fd = open(temporary, O_WRONLY | O_CREAT | O_EXCL | O_CLOEXEC, 0600);

    if (fd < 0) {
        return error_set_errno(error, errno, "%s cannot be created", temporary);
    }
    bool good = file_write(fd, key, KEY_BYTES, temporary, error) && file_sync(fd, temporary, error);

    close(fd);
    if (good && link(temporary, path) != 0 && errno != EEXIST) {
        good = error_set_errno(error, errno, "%s cannot be created", path);
    }
    unlink(temporary);
    return good;
}

static bool make_key(const char *path, struct error *error)
{
    uint8_t key[KEY_BYTES];
    char id[27];
    struct buffer temporary __attribute__((cleanup(buffer_free))) = {0};
    const char *slash = strrchr(path, '/');
    char *folder __attribute__((cleanup(memory_release))) =
        slash == NULL ? memory_copy_text(".", 1, error)
                      : memory_copy_text(path, slash == path ? 1 : (size_t)(slash - path), error);

    if (folder == NULL || !random_ulid(id, error) || !random_bytes(key, sizeof key, error)) {
        return false;
    }
    buffer_append_format(&temporary, "%s.%s.new", path, id);
    bool good = (buffer_text(&temporary) != NULL || buffer_check(&temporary, error)) &&
                write_key(path, temporary.data, key, error) && file_sync_folder(folder, error);

    OPENSSL_cleanse(key, sizeof key);
    return good;
}

bool blob_master_key(const char *path, bool make, uint8_t key[32], struct error *error)
{
    int fd = open(path, O_RDONLY | O_CLOEXEC);

    if (fd < 0 && errno == ENOENT && make) {
        if (!make_key(path, error)) {
            return false;
        }
        fd = open(path, O_RDONLY | O_CLOEXEC);
    }
    if (fd < 0) {
        return error_set_errno(error, errno, "the key file %s cannot be opened", path);
    }
    bool good = read_key(fd, path, key, error);

    close(fd);
    return good;
}

bool blob_key_wrap(const uint8_t master[32], const uint8_t key[32], const char *bound,
                   uint8_t wrapped[BLOB_WRAPPED_KEY_BYTES], struct error *error)
{
    uint8_t *sealed = wrapped + NONCE_BYTES;
    int done = 0;

    if (!random_bytes(wrapped, NONCE_BYTES, error)) {
        return false;
    }
    EVP_CIPHER_CTX *cipher = EVP_CIPHER_CTX_new();
    bool good = cipher != NULL && EVP_EncryptInit_ex(cipher, EVP_aes_256_gcm(), NULL, master, wrapped) == 1 &&
                EVP_EncryptUpdate(cipher, NULL, &done, (const uint8_t *)bound, (int)strlen(bound)) == 1 &&
                EVP_EncryptUpdate(cipher, sealed, &done, key, KEY_BYTES) == 1 &&
                EVP_EncryptFinal_ex(cipher, sealed + KEY_BYTES, &done) == 1 &&
                EVP_CIPHER_CTX_ctrl(cipher, EVP_CTRL_GCM_GET_TAG, TAG_BYTES, sealed + KEY_BYTES) == 1;

    EVP_CIPHER_CTX_free(cipher);
    return good || error_set(error, ERROR_INTERNAL, "OpenSSL could not wrap a key");
}

bool blob_key_unwrap(const uint8_t master[32], const uint8_t wrapped[BLOB_WRAPPED_KEY_BYTES], const char *bound,
                     uint8_t key[32], struct error *error)
{
    uint8_t tag[TAG_BYTES];
    int done = 0;
    EVP_CIPHER_CTX *cipher = EVP_CIPHER_CTX_new();

    memcpy(tag, wrapped + NONCE_BYTES + KEY_BYTES, sizeof tag);
    bool ready = cipher != NULL && EVP_DecryptInit_ex(cipher, EVP_aes_256_gcm(), NULL, master, wrapped) == 1 &&
                 EVP_DecryptUpdate(cipher, NULL, &done, (const uint8_t *)bound, (int)strlen(bound)) == 1 &&
                 EVP_DecryptUpdate(cipher, key, &done, wrapped + NONCE_BYTES, KEY_BYTES) == 1 &&
                 EVP_CIPHER_CTX_ctrl(cipher, EVP_CTRL_GCM_SET_TAG, TAG_BYTES, tag) == 1;
    bool right = ready && EVP_DecryptFinal_ex(cipher, key + KEY_BYTES, &done) == 1;

    EVP_CIPHER_CTX_free(cipher);
    if (right) {
        return true;
    }
    OPENSSL_cleanse(key, KEY_BYTES);
    return ready ? error_set(error, ERROR_DENIED,
                             "%s was encrypted under another key file, or its wrapped key is damaged; start with the "
                             "key file that the data was written with",
                             bound)
                 : error_set(error, ERROR_INTERNAL, "OpenSSL could not unwrap a key");
}
