// How jemalloc, which asks for this name, treats the programs that link weir::allocator: what is free goes back to the system after two
// seconds, by a thread of its own. The environment variable MALLOC_CONF goes first.
extern "C" {
extern const char* malloc_conf;
const char* malloc_conf = "background_thread:true,dirty_decay_ms:2000,muzzy_decay_ms:0";
}
