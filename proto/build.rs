//! Compiles the .proto files in process (no protoc on the machine is needed).

use std::path::PathBuf;

use prost::Message as _;

fn main() -> Result<(), Box<dyn std::error::Error>> {
    println!("cargo:rerun-if-changed=proto");
    let out = PathBuf::from(std::env::var("OUT_DIR")?);
    let telemetry = protox::compile(["telemetry.proto"], ["proto"])?;
    std::fs::write(out.join("telemetry.bin"), telemetry.encode_to_vec())?;
    tonic_prost_build::configure().compile_fds(telemetry)?;
    let kubelet = protox::compile(["podresources.proto"], ["proto"])?;
    tonic_prost_build::configure().compile_fds(kubelet)?;
    Ok(())
}
