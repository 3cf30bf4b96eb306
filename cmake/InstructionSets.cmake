# The platform conditions of the build, all in one place: which instruction sets are compiled, with which
# flags, and which file answers for the processor, for thread pinning and for memory pages.

string(TOLOWER "${CMAKE_SYSTEM_PROCESSOR}" _processor)
if(CMAKE_OSX_ARCHITECTURES)
  string(TOLOWER "${CMAKE_OSX_ARCHITECTURES}" _processor)
endif()

if(_processor MATCHES "^(x86_64|amd64)$")
  set(ATALANTA_PROCESSOR x86_64)
  set(_instruction_sets avx512 avx2 baseline)
elseif(_processor MATCHES "^(aarch64|arm64)$")
  set(ATALANTA_PROCESSOR aarch64)
  set(_instruction_sets neon)
else()
  set(ATALANTA_PROCESSOR generic)
  set(_instruction_sets baseline)
endif()

set(_flags_avx512 -march=x86-64-v4 -mprefer-vector-width=512)
set(_flags_avx2 -mavx2 -mfma -mbmi2)
set(_flags_neon)
set(_flags_baseline)

# -ffp-contract=off: results are bit-identical between compilers and instruction sets. The other two let
# square roots and selections vectorise. Never -ffast-math. Kernels are optimised in every build type.
set(_kernel_flags -O3 -fno-math-errno -fno-trapping-math -ffp-contract=off)

# GCC leaves the order of instructions to what follows the allocation of registers. European prices are bound by the
# processor's window and gain by an order chosen before it; implied vols lose.
if(CMAKE_CXX_COMPILER_ID STREQUAL "GNU" AND ATALANTA_PROCESSOR STREQUAL "x86_64")
  set_source_files_properties(csrc/pricing/isa/european.cpp PROPERTIES
    COMPILE_OPTIONS "-mtune=icelake-server;-fschedule-insns;-fsched-pressure;--param=sched-pressure-algorithm=2")
endif()

if(ATALANTA_VECTOR_REPORT)
  if(CMAKE_CXX_COMPILER_ID STREQUAL "GNU")
    list(APPEND _kernel_flags -fopt-info-vec-optimized)
  else()
    list(APPEND _kernel_flags -Rpass=loop-vectorize)
  endif()
endif()

# Kernels take long to compile with a sanitizer's checks. Addresses are checked in those of one instruction set, which
# stand for all, the same sources; threads in none, for kernels have none. The others are compiled as a release
# has them, so that a compiler cache may serve.
list(GET _instruction_sets 0 _checked)
if(NOT ATALANTA_SANITIZE MATCHES "address")
  set(_checked)
endif()

# A library of objects per instruction set, from the same sources: one source per family of kernels.
function(atalanta_add_kernels target)
  foreach(_isa IN LISTS _instruction_sets)
    add_library(kernels_${_isa} OBJECT ${ARGN})
    target_include_directories(kernels_${_isa} PRIVATE ${CMAKE_CURRENT_SOURCE_DIR}/csrc)
    target_compile_definitions(kernels_${_isa} PRIVATE ATALANTA_ISA=${_isa})
    target_compile_options(kernels_${_isa} PRIVATE
      ${ATALANTA_CORE_OPTIONS} ${_kernel_flags} ${_flags_${_isa}})
    if("${_isa}" STREQUAL "${_checked}")
      target_compile_options(kernels_${_isa} PRIVATE ${ATALANTA_SANITIZE_OPTIONS} -O1) # nobody times it
    endif()
    target_sources(${target} PRIVATE $<TARGET_OBJECTS:kernels_${_isa}>)
  endforeach()
endfunction()

if(CMAKE_SYSTEM_NAME STREQUAL "Linux")
  set(ATALANTA_AFFINITY linux)
  set(ATALANTA_PAGES linux)
  set(ATALANTA_THREAD_LOCAL_FLAGS -ftls-model=initial-exec)
  set(ATALANTA_MEMORY_DEFINITIONS ATALANTA_LIGHT_ENTRY) # membarrier, see csrc/memory/thread_cache.hpp
else()
  set(ATALANTA_AFFINITY portable)
  set(ATALANTA_PAGES darwin)
  set(ATALANTA_THREAD_LOCAL_FLAGS)
  set(ATALANTA_MEMORY_DEFINITIONS)
endif()
