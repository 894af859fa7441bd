//! The memory with which an instance of the component starts.

/// Three pages of WebAssembly: the stack, the data, and what is left of them as the first part of the heap, which is
/// enough for most calls. A memory that grows costs its host two system calls, and stops the other threads of its
/// process for a moment.
const INITIAL_MEMORY: usize = 3 * 64 * 1024;

fn main() {
    println!("cargo::rerun-if-changed=build.rs");
    if std::env::var("CARGO_CFG_TARGET_ARCH").is_ok_and(|arch| arch == "wasm32") {
        println!("cargo::rustc-link-arg-cdylib=--initial-memory={INITIAL_MEMORY}");
    }
}
