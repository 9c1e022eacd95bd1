//! Container images made without an engine: archives in the OCI image layout, of one layer each.

use std::fs;
use std::os::unix::fs::PermissionsExt as _;
use std::path::{Path, PathBuf};

use color_eyre::eyre::{Result, WrapErr as _, eyre};
use serde_json::{Value, json};

use crate::process;

/// What an image is made of.
pub(super) struct Image<'a> {
    /// Name and tag.
    pub(super) name: &'a str,
    pub(super) entrypoint: &'a [&'a str],
    /// Programs of this machine, with the shared libraries that they are linked to, and where they
    /// lie in the image.
    pub(super) programs: &'a [(PathBuf, &'a str)],
    /// What is loaded while it runs and is not in the image: its shared libraries are.
    pub(super) loaded: &'a [PathBuf],
}

/// Writes the archive, by way of a folder `scratch` that is made and removed.
pub(super) fn write(image: &Image<'_>, scratch: &Path, archive: &Path) -> Result<()> {
    let layout = scratch.join("layout");
    let blobs = layout.join("blobs/sha256");
    fs::create_dir_all(&blobs).wrap_err_with(|| format!("cannot make {}", blobs.display()))?;
    let files = scratch.join("files");
    stage(image, &files)?;
    let layer = scratch.join("layer.tar");
    pack(&files, &layer)?;
    let layer = Blob::take(&layer, &blobs)?;
    let config = json!({
        "architecture": architecture(),
        "os": "linux",
        "config": {"Entrypoint": image.entrypoint, "Env": ["PATH=/usr/bin:/bin"]},
        "rootfs": {"type": "layers", "diff_ids": [layer.digest]},
    });
    let config = Blob::write(&config, scratch, &blobs)?;
    let manifest = json!({
        "schemaVersion": 2,
        "mediaType": "application/vnd.oci.image.manifest.v1+json",
        "config": config.descriptor("application/vnd.oci.image.config.v1+json"),
        "layers": [layer.descriptor("application/vnd.oci.image.layer.v1.tar")],
    });
    let manifest = Blob::write(&manifest, scratch, &blobs)?;
    let mut described = manifest.descriptor("application/vnd.oci.image.manifest.v1+json");
    described["annotations"] = json!({"io.containerd.image.name": image.name});
    let index = json!({
        "schemaVersion": 2,
        "mediaType": "application/vnd.oci.image.index.v1+json",
        "manifests": [described],
    });
    fs::write(layout.join("index.json"), index.to_string())?;
    fs::write(
        layout.join("oci-layout"),
        json!({"imageLayoutVersion": "1.0.0"}).to_string(),
    )?;
    pack(&layout, archive)?;
    fs::remove_dir_all(scratch).wrap_err_with(|| format!("cannot remove {}", scratch.display()))
}

/// Puts the image's files into a folder.
fn stage(image: &Image<'_>, root: &Path) -> Result<()> {
    for (name, mode) in [
        ("dev", 0o755),
        ("etc", 0o755),
        ("proc", 0o755),
        ("sys", 0o755),
        ("tmp", 0o1777),
    ] {
        let folder = root.join(name);
        fs::create_dir_all(&folder)?;
        fs::set_permissions(&folder, fs::Permissions::from_mode(mode))?;
    }
    fs::write(
        root.join("etc/passwd"),
        "root:x:0:0::/:/bin/sh\nnobody:x:65534:65534::/:/bin/sh\n",
    )?;
    for (program, place) in image.programs {
        put(root, program, Path::new(place))?;
    }
    let programs = image.programs.iter().map(|(program, _)| program);
    for file in programs.chain(image.loaded) {
        for library in libraries(file)? {
            put(root, &library, &library)?;
        }
    }
    Ok(())
}

fn put(root: &Path, file: &Path, place: &Path) -> Result<()> {
    let copy = at(root, place)?;
    fs::copy(file, &copy)
        .map(|_| ())
        .wrap_err_with(|| format!("cannot copy {} into an image", file.display()))
}

/// The place in the folder, whose parent is made.
fn at(root: &Path, place: &Path) -> Result<PathBuf> {
    let file = root.join(place.strip_prefix("/").unwrap_or(place));
    if let Some(folder) = file.parent() {
        fs::create_dir_all(folder)?;
    }
    Ok(file)
}

/// The shared libraries of a program and its loader; none for a static one.
fn libraries(program: &Path) -> Result<Vec<PathBuf>> {
    let output = process::output(process::command("ldd").arg(program))?;
    Ok(listed(&String::from_utf8_lossy(&output.stdout)))
}

/// The files in what `ldd` prints: `NAME => FILE (ADDRESS)`, or `FILE (ADDRESS)` for the loader.
fn listed(text: &str) -> Vec<PathBuf> {
    text.lines()
        .filter_map(|line| {
            let found = line.split_once(" => ").map_or(line, |(_, file)| file);
            let file = found.trim().split(' ').next()?;
            file.starts_with('/').then(|| file.into())
        })
        .collect()
}

fn pack(folder: &Path, archive: &Path) -> Result<()> {
    let mut tar = process::command("tar");
    tar.args(["--create", "--sort=name", "--owner=0", "--group=0"])
        .args(["--numeric-owner", "--mtime=@0", "--file"])
        .arg(archive)
        .arg("--directory")
        .arg(folder)
        .arg(".");
    process::run(&mut tar)
}

fn architecture() -> &'static str {
    match std::env::consts::ARCH {
        "x86_64" => "amd64",
        "aarch64" => "arm64",
        other => other,
    }
}

/// A file of the layout, known by its hash.
struct Blob {
    digest: String,
    size: u64,
}

impl Blob {
    /// Moves a file to where its hash says.
    fn take(file: &Path, blobs: &Path) -> Result<Self> {
        // Many times as fast as an unoptimised build of ours.
        let said = process::read(process::command("sha256sum").arg("--binary").arg(file))?;
        let hash = said
            .split(' ')
            .next()
            .filter(|hash| hash.len() == 64)
            .ok_or_else(|| eyre!("sha256sum said {said:?}"))?;
        let size = file.metadata()?.len();
        fs::rename(file, blobs.join(hash))?;
        Ok(Self {
            digest: format!("sha256:{hash}"),
            size,
        })
    }

    fn write(content: &Value, scratch: &Path, blobs: &Path) -> Result<Self> {
        let file = scratch.join("blob.json");
        fs::write(&file, content.to_string())?;
        Self::take(&file, blobs)
    }

    fn descriptor(&self, kind: &str) -> Value {
        json!({"mediaType": kind, "digest": self.digest, "size": self.size})
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_loader_is_listed_too() {
        let text = "\tlinux-vdso.so.1 (0x00007ffd)\n\
            \tlibc.so.6 => /lib/x86_64-linux-gnu/libc.so.6 (0x00007f85)\n\
            \t/lib64/ld-linux-x86-64.so.2 (0x00007f86)\n";
        let files = [
            PathBuf::from("/lib/x86_64-linux-gnu/libc.so.6"),
            PathBuf::from("/lib64/ld-linux-x86-64.so.2"),
        ];
        assert_eq!(listed(text), files);
        assert!(listed("\tnot a dynamic executable\n").is_empty());
    }

    #[test]
    fn an_archive_holds_what_its_hashes_say() {
        let dir = tempfile::tempdir().unwrap();
        let archive = dir.path().join("image.tar");
        let image = Image {
            name: "localhost/shell:1",
            entrypoint: &["/bin/sh"],
            programs: &[("/bin/sh".into(), "/bin/sh")],
            loaded: &[],
        };
        write(&image, &dir.path().join("scratch"), &archive).unwrap();
        let out = dir.path().join("out");
        fs::create_dir(&out).unwrap();
        let mut untar = process::command("tar");
        untar.arg("-xf").arg(&archive).arg("-C").arg(&out);
        process::run(&mut untar).unwrap();
        let index: Value =
            serde_json::from_slice(&fs::read(out.join("index.json")).unwrap()).unwrap();
        let blob = |descriptor: &Value| {
            let digest = descriptor["digest"].as_str().unwrap().to_owned();
            let file = out.join("blobs").join(digest.replace(':', "/"));
            assert_eq!(descriptor["size"], file.metadata().unwrap().len());
            let said = process::read(process::command("sha256sum").arg(&file)).unwrap();
            assert!(digest.ends_with(said.split(' ').next().unwrap()));
            file
        };
        let manifest = blob(&index["manifests"][0]);
        let manifest: Value = serde_json::from_slice(&fs::read(manifest).unwrap()).unwrap();
        let layer = blob(&manifest["layers"][0]);
        let list = process::read(process::command("tar").arg("-tf").arg(&layer)).unwrap();
        for wanted in ["./bin/sh", "./tmp/"] {
            assert!(list.lines().any(|line| line == wanted), "{list}");
        }
        assert!(list.contains("libc.so"), "{list}");
    }
}
