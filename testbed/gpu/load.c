/* Keeps the first GPU busy: holds memory, and runs a kernel again and again.
 *
 *   cc -O2 -o load load.c -ldl && ./load SECONDS MEBIBYTES
 *
 * Needs the driver alone: libcuda.so.1 is opened at run time and compiles the PTX below. */
#include <dlfcn.h>
#include <stdio.h>
#include <stdlib.h>
#include <time.h>

/* Each thread adds its way through `rounds` dependent steps; the result is written so that the
 * compiler can not leave them out. */
static const char PTX[] =
    ".version 6.0\n"
    ".target sm_50\n"
    ".address_size 64\n"
    ".visible .entry spin(.param .u64 out, .param .u32 rounds) {\n"
    "  .reg .u32 %r<6>; .reg .u64 %d<4>; .reg .f32 %f<3>; .reg .pred %p;\n"
    "  ld.param.u64 %d0, [out];\n"
    "  ld.param.u32 %r0, [rounds];\n"
    "  mov.u32 %r1, %ctaid.x; mov.u32 %r2, %ntid.x; mov.u32 %r3, %tid.x;\n"
    "  mad.lo.u32 %r4, %r1, %r2, %r3;\n"
    "  cvt.rn.f32.u32 %f0, %r4; mov.f32 %f1, 0f3F800054;\n"
    "LOOP:\n"
    "  fma.rn.f32 %f0, %f0, %f1, %f1;\n"
    "  sub.u32 %r0, %r0, 1; setp.ne.u32 %p, %r0, 0;\n"
    "  @%p bra LOOP;\n"
    "  mul.wide.u32 %d1, %r4, 4; add.u64 %d2, %d0, %d1; st.global.f32 [%d2], %f0;\n"
    "  ret;\n"
    "}\n";

#define BLOCKS 1024
#define THREADS 256

typedef int (*init_fn)(unsigned);
typedef int (*device_fn)(int *, int);
typedef int (*retain_fn)(void **, int);
typedef int (*current_fn)(void *);
typedef int (*alloc_fn)(unsigned long long *, size_t);
typedef int (*module_fn)(void **, const void *);
typedef int (*function_fn)(void **, void *, const char *);
typedef int (*launch_fn)(void *, unsigned, unsigned, unsigned, unsigned, unsigned, unsigned,
                         unsigned, void *, void **, void **);
typedef int (*sync_fn)(void);

static void *library;

static void *symbol(const char *name) {
    void *found = dlsym(library, name);
    if (!found) {
        fprintf(stderr, "libcuda.so.1 has no %s\n", name);
        exit(1);
    }
    return found;
}

static void check(const char *what, int code) {
    if (code != 0) {
        fprintf(stderr, "%s: CUDA error %d\n", what, code);
        exit(1);
    }
}

int main(int argc, char **argv) {
    double seconds = argc > 1 ? atof(argv[1]) : 30;
    size_t mebibytes = argc > 2 ? (size_t)atol(argv[2]) : 2048;
    library = dlopen("libcuda.so.1", RTLD_NOW);
    if (!library) {
        fprintf(stderr, "%s\n", dlerror());
        return 1;
    }
    int device = 0;
    void *context = NULL, *module = NULL, *function = NULL;
    unsigned long long held = 0, out = 0;
    check("cuInit", ((init_fn)symbol("cuInit"))(0));
    check("cuDeviceGet", ((device_fn)symbol("cuDeviceGet"))(&device, 0));
    check("cuDevicePrimaryCtxRetain",
          ((retain_fn)symbol("cuDevicePrimaryCtxRetain"))(&context, device));
    check("cuCtxSetCurrent", ((current_fn)symbol("cuCtxSetCurrent"))(context));
    alloc_fn alloc = (alloc_fn)symbol("cuMemAlloc_v2");
    check("cuMemAlloc", alloc(&held, mebibytes << 20));
    check("cuMemAlloc", alloc(&out, (size_t)BLOCKS * THREADS * 4));
    check("cuModuleLoadData", ((module_fn)symbol("cuModuleLoadData"))(&module, PTX));
    check("cuModuleGetFunction",
          ((function_fn)symbol("cuModuleGetFunction"))(&function, module, "spin"));
    launch_fn launch = (launch_fn)symbol("cuLaunchKernel");
    sync_fn wait = (sync_fn)symbol("cuCtxSynchronize");
    unsigned rounds = 20000;
    void *arguments[] = {&out, &rounds};
    puts("busy");
    fflush(stdout);
    time_t end = time(NULL) + (time_t)seconds;
    while (time(NULL) < end) {
        check("cuLaunchKernel",
              launch(function, BLOCKS, 1, 1, THREADS, 1, 1, 0, NULL, arguments, NULL));
        check("cuCtxSynchronize", wait());
    }
    return 0;
}
