//! The cluster's own certificate authority and what it signs.
//!
//! A new authority for each cluster: its certificate is in the kubeconfig, so
//! that clients verify the API server as they would a real one.

use std::path::Path;

use color_eyre::eyre::{Result, WrapErr as _};
use rcgen::{
    BasicConstraints, CertificateParams, DistinguishedName, DnType, ExtendedKeyUsagePurpose, IsCa,
    Issuer, KeyPair, KeyUsagePurpose,
};

use super::files;

/// Writes keys and certificates into `dir`:
///
/// - `ca.crt`: the authority's certificate; its key is not kept
/// - `apiserver.{crt,key}`: what the API server shows its clients
/// - `kubelet.{crt,key}`: what the kubelets show the API server, at these addresses
/// - `client.{crt,key}`: what the API server shows the kubelets
/// - `service-account.{key,pub}`: signs and verifies the tokens of service accounts
///
/// Returns the authority's certificate as PEM.
///
/// # Errors
///
/// When a key cannot be made or a file cannot be written.
pub(super) fn write_all(dir: &Path, kubelets: &[&str]) -> Result<String> {
    let key = KeyPair::generate().wrap_err("cannot make the authority's key")?;
    let mut params = params("gputop-k3s testbed CA", &[])?;
    params.is_ca = IsCa::Ca(BasicConstraints::Unconstrained);
    params.key_usages = vec![
        KeyUsagePurpose::KeyCertSign,
        KeyUsagePurpose::DigitalSignature,
    ];
    let ca = params
        .self_signed(&key)
        .wrap_err("cannot sign the authority's certificate")?
        .pem();
    files::write(&dir.join("ca.crt"), &ca)?;

    let issuer = Issuer::new(params, key);
    let server = [
        "127.0.0.1",
        "10.43.0.1",
        "localhost",
        "kubernetes",
        "kubernetes.default",
        "kubernetes.default.svc",
        "kubernetes.default.svc.cluster.local",
    ];
    leaf(
        dir,
        &issuer,
        "apiserver",
        &server,
        ExtendedKeyUsagePurpose::ServerAuth,
    )?;
    leaf(
        dir,
        &issuer,
        "kubelet",
        kubelets,
        ExtendedKeyUsagePurpose::ServerAuth,
    )?;
    leaf(
        dir,
        &issuer,
        "client",
        &[],
        ExtendedKeyUsagePurpose::ClientAuth,
    )?;

    let accounts = KeyPair::generate().wrap_err("cannot make the service accounts' key")?;
    files::write(&dir.join("service-account.key"), &accounts.serialize_pem())?;
    files::write(&dir.join("service-account.pub"), &accounts.public_key_pem())?;
    Ok(ca)
}

fn params(common_name: &str, names: &[&str]) -> Result<CertificateParams> {
    let names: Vec<String> = names.iter().map(ToString::to_string).collect();
    let mut params = CertificateParams::new(names)
        .wrap_err_with(|| format!("a name in the certificate of {common_name} is not valid"))?;
    let mut subject = DistinguishedName::new();
    subject.push(DnType::CommonName, common_name);
    params.distinguished_name = subject;
    Ok(params)
}

fn leaf(
    dir: &Path,
    issuer: &Issuer<'_, KeyPair>,
    name: &str,
    names: &[&str],
    usage: ExtendedKeyUsagePurpose,
) -> Result<()> {
    let key = KeyPair::generate().wrap_err_with(|| format!("cannot make the key of {name}"))?;
    let mut params = params(name, names)?;
    params.use_authority_key_identifier_extension = true;
    params.key_usages = vec![KeyUsagePurpose::DigitalSignature];
    params.extended_key_usages = vec![usage];
    let certificate = params
        .signed_by(&key, issuer)
        .wrap_err_with(|| format!("cannot sign the certificate of {name}"))?;
    files::write(&dir.join(format!("{name}.crt")), &certificate.pem())?;
    files::write(&dir.join(format!("{name}.key")), &key.serialize_pem())
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::os::unix::fs::PermissionsExt as _;

    #[test]
    fn writes_private_pem_files() {
        let dir = tempfile::tempdir().unwrap();
        let ca = write_all(dir.path(), &["127.0.0.1"]).unwrap();
        assert!(ca.starts_with("-----BEGIN CERTIFICATE-----"));
        let mut names = Vec::new();
        for entry in std::fs::read_dir(dir.path()).unwrap() {
            let entry = entry.unwrap();
            assert_eq!(entry.metadata().unwrap().permissions().mode() & 0o077, 0);
            names.push(entry.file_name().into_string().unwrap());
        }
        assert_eq!(names.len(), 9, "{names:?}");
    }
}
